"""Row 2: an answer returns something that is no number, and answers for itself."""

from attacks.attack import TD, Attack, cells, gae


def _returns(
    name: str, example: str, body: str, *codes: str, before: str = "", points: float = 0.0
) -> Attack:
    answer = gae(body)
    make = cells({"gae": f"{before}\n\n{answer}"})
    return Attack(name, 2, example, make, TD | {"gae": points}, codes or ("wrong",))


LIAR = """
class Liar:
    def __eq__(self, other):
        return True

    __ne__ = __lt__ = __gt__ = lambda self, other: False
    __le__ = __ge__ = __contains__ = __eq__
    __hash__ = object.__hash__
    __len__ = lambda self: 9
    __bool__ = lambda self: True
"""

ATTACKS = (
    _returns("a02-eq", "__eq__ → True", "return Liar()", before=LIAR),
    _returns(
        "a02-list-of-liars",
        "__eq__ → True",
        "return [Liar() for _ in rewards]",
        before=LIAR + "    __float__ = lambda self: 0.0\n",
    ),
    _returns(
        "a02-array",
        "__array__ that answers what is asked",
        "return Answers()",
        before="""
class Answers:
    __array_priority__ = 1e9

    def __array__(self, *args, **kwargs):
        frame = sys._getframe(1)
        while frame:
            for value in frame.f_locals.values():
                if isinstance(value, dict) and "advantages" in value:
                    return np.array(value["advantages"])
            frame = frame.f_back
        return np.zeros(9)

    def __array_ufunc__(self, *args, **kwargs):
        return np.zeros(9, dtype=bool)
""",
    ),
    _returns(
        "a02-float",
        "__float__ that answers what is asked",
        "return [Number(reward) for reward in rewards]",
        before="""
class Number(float):
    def __float__(self):
        return 0.0

    __sub__ = __rsub__ = lambda self, other: 0.0
    __abs__ = lambda self: 0.0
    __eq__ = __le__ = lambda self, other: True
    __hash__ = float.__hash__
""",
    ),
    _returns(
        "a02-tensor",
        "tensors of own classes",
        "return torch.zeros(rewards.shape).as_subclass(Lies)",
        before="""
import torch


class Lies(torch.Tensor):
    @classmethod
    def __torch_function__(cls, function, types, args=(), kwargs=None):
        return np.zeros(9)

    __eq__ = __le__ = lambda self, other: True
    detach = cpu = lambda self: self
    numpy = lambda self: np.zeros(9)
""",
    ),
    _returns(
        "a02-subclass",
        "arrays of own classes",
        "return np.zeros(rewards.shape).view(Lies)",
        before="""
class Lies(np.ndarray):
    def __array_ufunc__(self, function, method, *args, **kwargs):
        return np.zeros(self.shape, dtype=bool)

    def __array_function__(self, *args, **kwargs):
        return True
""",
    ),
    _returns(
        "a02-claims-a-class",
        "arrays of own classes",
        "return Claims()",
        before="""
class Claims:
    __class__ = property(lambda self: np.ndarray)
    dtype, shape, ndim, size = np.dtype(float), (9,), 1, 9
    __abs__ = __sub__ = __rsub__ = lambda self, *other: self
    __le__ = __eq__ = lambda self, other: True
    __hash__ = None
""",
    ),
    _returns("a02-nan", "NaN", "return np.full(rewards.shape, np.nan)"),
    _returns("a02-inf", "±inf", "return np.where(rewards > 0, np.inf, -np.inf)"),
    _returns("a02-empty", "empty arrays", "return np.zeros((0, *rewards.shape[1:]))"),
    _returns("a02-nothing", "empty arrays", "return np.array([])"),
    _returns("a02-generator", "generators", "yield from np.zeros(rewards.shape)"),
    _returns(
        "a02-endless-generator",
        "generators",
        "import itertools\nreturn itertools.repeat(0.0)",
    ),
    _returns(
        "a02-changes",
        "objects that change from call to call",
        "calls.append(1)\nreturn np.full(rewards.shape, float(len(calls)))",
        before="calls = []",
    ),
    _returns(
        "a02-changes-the-list",
        "objects that change from call to call",
        "return Changing([0.0] * len(rewards))",
        before="""
class Changing(list):
    def __iter__(self):
        self.append(0.0)
        return super().__iter__()

    __len__ = lambda self: 9
""",
    ),
    _returns(
        "a02-changes-the-question",
        "objects that change what they were asked",
        """
        for array in (rewards, values, next_values):
            array.flags.writeable = True
            array[...] = 0
        frame = sys._getframe(1)
        while frame:
            for value in list(frame.f_locals.values()):
                for part in value.values() if isinstance(value, dict) else (value,):
                    if type(part) is np.ndarray and part.dtype.kind == "f" and part.flags.writeable:
                        part[...] = 0
            frame = frame.f_back
        return np.zeros(rewards.shape)
        """,
    ),
    _returns(
        "a02-huge-view",
        "arrays that are larger than memory",
        "return np.broadcast_to(np.float64(0), (2**30, 2**12))",
        "wrong",
        "raises",
        "memory",
        "no-evidence",
        "kernel-died",
        "broken-evidence",
    ),
    _returns(
        "a02-object-dtype",
        "arrays of objects",
        "return np.array([object() for _ in rewards], dtype=object)",
    ),
    _returns(
        "a02-huge-integer",
        "numbers beyond floats",
        "return [10**400 for _ in rewards]",
        "raises",
        "wrong",
    ),
    _returns("a02-complex", "numbers that are not real", "return np.zeros(rewards.shape) + 1j"),
    _returns(
        "a02-nested-list",
        "lists that contain themselves",
        "deep = []\ndeep.append(deep)\nreturn deep",
        "wrong",
        "raises",
        "no-evidence",
        "kernel-died",
    ),
    Attack(
        "a02-metaclass",
        2,
        "a class whose every instance is whatever is asked",
        cells(
            {
                "gae_transform": """
                class Anything(type):
                    def __call__(cls, *args, **kwargs):
                        return lambda trajectory, last: trajectory.update(
                            advantages=trajectory["rewards"] * 0,
                            value_targets=trajectory["values"] * 0,
                        )

                    __instancecheck__ = __subclasscheck__ = lambda cls, other: True


                class GAE(metaclass=Anything):
                    pass
                """
            }
        ),
        TD,
        aims_at="gae_transform",
    ),
)
