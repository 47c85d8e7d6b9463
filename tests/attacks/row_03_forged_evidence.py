"""Row 3: evidence that nobody measured, and bytes that are none."""

from attacks.attack import PRETEND, TD, ZEROS, Attack, cells, gae

# Broken bytes cost the exercise, and the submission carries the reason.
BROKEN = ("broken-evidence", "no-evidence", "timeout", "output-limit", "kernel-died", "wrong")


def _sends(name: str, example: str, sends: str, *codes: str, ends: str = "os._exit(0)") -> Attack:
    """The answer writes bytes of its own to the judge as soon as it is called by it.

    During the visible check it is called as well; that is in the kernel, and harmless.
    """
    body = f"""
    if any(frame.name == "answer_question" for frame in __import__("traceback").extract_stack()):
        {sends}
        {ends}
    return np.zeros(rewards.shape)
    """
    answer = f"{PRETEND}\n\n{gae(body)}"
    return Attack(name, 3, example, cells({"gae": answer}), TD, codes or BROKEN)


def _kernel(name: str, example: str, code: str, *codes: str) -> Attack:
    """A cell behind the wrong answer does it, in the kernel."""
    make = cells({"gae": ZEROS}, behind={"gae": PRETEND + code})
    return Attack(name, 3, example, make, TD, codes or BROKEN)


ATTACKS = (
    _sends(
        "a03-other-student",
        "printing evidence for another student",
        'say(frame({"outcomes": for_gae(student="honest-full")}))',
    ),
    _sends(
        "a03-older-seed",
        "an older seed",
        'say(frame({"outcomes": for_gae(b"an older secret", "a03-older-seed")}))',
    ),
    _sends(
        "a03-published-cases",
        "other cases",
        """for student in ("", "published", "a03-published-cases"):
            say(frame({"outcomes": for_gae(b"", student)}))""",
    ),
    _sends("a03-too-many", "too many", 'say(frame({"outcomes": for_gae() * 2}))'),
    _sends("a03-too-few", "too few", 'say(frame({"outcomes": for_gae(rounds=1)}))'),
    _sends("a03-none", "too few", 'say(frame({"outcomes": []}))'),
    _sends("a03-nested", "nested deep", 'say(frame(b"[" * 100_000 + b"]" * 100_000))'),
    _sends(
        "a03-nested-objects",
        "nested deep",
        """say(frame(b'{"outcomes":' * 40_000 + b"1" + b"}" * 40_000))""",
    ),
    _sends(
        "a03-two-gigabytes",
        "a gigabyte of it",
        'say(struct.pack(">I", 2**31) + b" " * 1000)',
        ends="time.sleep(600)",
    ),
    _sends(
        "a03-floods",
        "a gigabyte of it",
        """for number in channels():
            peer = socket.socket(fileno=number)
            for _ in range(1000):
                peer.sendall(frame({"outcomes": "x" * 1_000_000}))""",
    ),
    _sends(
        "a03-many-small",
        "a gigabyte of it, once it is read",
        """for number in channels():
            socket.socket(fileno=number).sendall(
                frame(b'{"outcomes": [' + b"{}," * 10_000_000 + b"{}]}"))""",
    ),
    _sends("a03-invalid-json", "invalid JSON", """say(frame(b'{"outcomes": [}'))"""),
    _sends("a03-not-utf-8", "invalid JSON", "say(frame(bytes(range(128, 256))))"),
    _sends(
        "a03-nan",
        "NaN grades",
        """say(frame(b'{"outcomes": NaN, "points": NaN, "score": -Infinity}'))""",
    ),
    _sends(
        "a03-nan-arrays",
        "NaN grades",
        """nothing = [{"observables": {"advantages": array(np.full(9, np.nan))}}] * 28
        say(frame({"outcomes": nothing, "points": 5.0}))""",
    ),
    _sends(
        "a03-above-the-maximum",
        "grades above the maximum",
        """say(frame({"points": 500.0, "max_points": 5.0, "correct": True, "groups": []}))
        say(frame({"outcomes": [{"points": 500.0}] * 28}))""",
    ),
    _sends("a03-negative", "negative grades", 'say(frame({"points": -500.0, "outcomes": []}))'),
    _sends(
        "a03-huge-shapes",
        "arrays that are not what they say",
        """big = {"__array__": ["float64", [2**25] * 8]}
        say(frame({"outcomes": [{"observables": {"advantages": big}}] * 28}))""",
    ),
    _sends(
        "a03-no-such-shape",
        "arrays that are not what they say",
        """odd = [-1, 1.5, "9", [9], None, True, 10**40]
        shapes = [{"__array__": ["float64", [size]]} for size in odd]
        say(frame({"outcomes": [{"observables": {"advantages": one}} for one in shapes * 4]}))""",
    ),
    _sends(
        "a03-pickled-dtype",
        "arrays that are not what they say",
        """evil = {"__array__": ["object", [1]]}
        text = json.dumps({"outcomes": [{"observables": {"advantages": evil}}] * 28})
        say(frame(text.encode() + b"\\n" + b"cos\\nsystem\\n" * 28))""",
    ),
    _sends(
        "a03-strings",
        "numbers that are texts",
        """say(frame({"outcomes": [{"observables": {"advantages": ["1.0"] * 9}}] * 28}))""",
    ),
    _sends(
        "a03-digits",
        "numbers that are texts",
        """say(frame(b'{"outcomes": ' + b"9" * 1_000_000 + b"}"))""",
    ),
    _sends(
        "a03-same-key-twice",
        "invalid JSON",
        """say(frame(b'{"outcomes": [], ' + frame({"outcomes": for_gae()})[5:]))""",
    ),
    _sends(
        "a03-byte-by-byte",
        "evidence that never quite arrives",
        """for byte in frame({"outcomes": for_gae()}):
            say(bytes([byte]))
            time.sleep(0.2)""",
    ),
    _sends(
        "a03-half-a-frame",
        "evidence that never quite arrives",
        'say(frame({"outcomes": for_gae()})[:-100])',
    ),
    _sends("a03-closes", "closing the socket", "os.closerange(3, 256)", ends="pass"),
    _sends("a03-exits", "too few", "pass"),
    _sends(
        "a03-answers-twice",
        "answering twice",
        """say(frame({"outcomes": for_gae()}))
        say(frame({"outcomes": for_gae()}))""",
        ends="pass",
    ),
    _sends(
        "a03-hundred-answers",
        "answering twice",
        """for k in range(100):
            say(frame({"outcomes": for_gae(str(k).encode(), "a03-hundred-answers")}))""",
        ends="pass",
    ),
    _sends(
        "a03-sends-descriptors",
        "descriptors in place of evidence",
        """for number in channels():
            peer = socket.socket(fileno=os.dup(number))
            for _ in range(200):
                socket.send_fds(peer, [b"\\0"], [os.open("/dev/zero", 0)] * 100)""",
    ),
    _sends(
        "a03-huge-error",
        "a gigabyte of it, as an error",
        """raise RuntimeError("\\ud800\\0\\x1b[2J" + "x" * 30_000_000)""",
        "raises",
        "wrong",
        "broken-evidence",
    ),
    _kernel(
        "a03-before-it-is-asked",
        "answering before being asked",
        """
def early():
    say(frame({"hello": True}))
    say(frame({"outcomes": for_gae()}))
os.register_at_fork(after_in_child=early)
""",
    ),
    _kernel(
        "a03-takes-the-line",
        "evidence of another process",
        """
forged = frame({"hello": True}) + frame({"outcomes": for_gae()})
if os.fork() == 0:
    os.setsid()
    for number in channels():
        try:
            socket.socket(fileno=os.dup(number)).send(forged, socket.MSG_DONTWAIT)
        except OSError:
            pass
    time.sleep(60)
    os._exit(0)
""",
    ),
    _kernel(
        "a03-steals-descriptors",
        "evidence of another process",
        """
def steal():
    time.sleep(0.3)
    for pid in [int(name) for name in os.listdir("/proc") if name.isdigit()]:
        try:
            handle = os.pidfd_open(pid)
            for number in range(3, 64):
                taken = ctypes.CDLL(None).syscall(438, handle, number, 0)
                if taken >= 0:
                    os.write(taken, frame({"outcomes": for_gae()}))
        except OSError:
            pass
if os.fork() == 0:
    os.setsid()
    for _ in range(20):
        steal()
    os._exit(0)
""",
    ),
    _kernel(
        "a03-says-done",
        "frames of the kernel: every cell is done",
        """
for _ in range(200):
    say(frame({"done": True}))
""",
    ),
    _kernel(
        "a03-odd-frames",
        "frames of the kernel: outputs that are none",
        """
odd = [None, 5, [], {}, "x", {"a": []}, {"text/plain": 5}, {"image/png": None}, {"": ""}]
for value in odd:
    for key in ("stream", "text", "display", "update", "result", "error", "clear", "hello"):
        say(frame({key: value, "text": value, "value": value, "traceback": value, "id": value}))
        say(frame({key: value}))
    say(frame(value))
""",
    ),
    _kernel(
        "a03-arrays-of-truth",
        "frames of the kernel: arrays, which are neither equal nor unequal to anything",
        """
for key in ("done", "display", "stream", "hello", "clear", "update", "id"):
    say(frame({key: np.zeros(2), "text": np.ones(2)}))
""",
        "broken-output",
    ),
    _kernel(
        "a03-odd-outputs",
        "outputs that no notebook can hold",
        """
from IPython.display import display
print("\\ud800 \\0 \\x1b[2J")
for data in ({"image/png": "no base64"}, {"text/html": "\\udfff"}, {"x/y": "z"}, {"": ""}):
    display(data, raw=True, metadata={"image/png": {"width": float("inf")}})
    display(data, raw=True, display_id=chr(0xD800))
""",
        "wrong",
        "broken-output",
    ),
    _kernel(
        "a03-prints-evidence",
        "printing evidence",
        """
print(json.dumps({"outcomes": for_gae(), "points": 5.0, "max_points": 5.0}))
sys.__stdout__.write(json.dumps({"points": 5.0}))
os.write(1, frame({"outcomes": for_gae()}))
os.write(2, frame({"outcomes": for_gae()}))
""",
        "wrong",
    ),
)
