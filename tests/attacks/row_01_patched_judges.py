"""Row 1: whoever is asked for a verdict has been replaced."""

from attacks.attack import TD, ZEROS, Attack, cells

EVERYTHING_TRUE = """
import types


class Yes(types.ModuleType):
    def __getattr__(self, name):
        return lambda *args, **kwargs: 5.0


for name in {names}:
    sys.modules[name] = Yes(name)
"""


def _patched(name: str, example: str, patch: str, *codes: str, answer: str = ZEROS) -> Attack:
    """Zeros for an answer, and something patched behind it."""
    make = cells({"gae": answer}, behind={"gae": patch})
    return Attack(name, 1, example, make, TD, codes or ("wrong",))


ATTACKS = (
    _patched(
        "a01-rebinds-check",
        "rebinding check",
        """
        import grader, grader.visible
        check = grader.check = grader.visible.check = lambda name, answer: 5.0
        grader.visible.judge = lambda *args: 5.0
        """,
    ),
    _patched(
        "a01-rebinds-probe",
        "rebinding probe",
        """
        import grader, builtins
        probe = grader.probe = builtins.probe = lambda name, answer: 5.0
        if "grader.hidden" in sys.modules:
            sys.modules["grader.hidden"].probe = probe
        """,
    ),
    _patched(
        "a01-assert-allclose",
        "rebinding assert_allclose",
        """
        def agree(*args, **kwargs):
            return True
        np.testing.assert_allclose = np.allclose = np.array_equal = np.isclose = agree
        np.isfinite = lambda array: np.ones_like(array, dtype=bool)
        """,
    ),
    _patched(
        "a01-builtins",
        "rebinding builtins",
        """
        import builtins
        builtins.any = lambda items: False
        builtins.all = lambda items: True
        builtins.float = lambda value=0.0: 5.0
        builtins.sum = lambda *args: 5.0
        """,
        "wrong",
        "kernel-died",  # it is the attacker's own kernel that cannot live with it
    ),
    _patched(
        "a01-builtins-import",
        "rebinding builtins",
        """
        import builtins
        real = builtins.__import__
        def imports(name, *args, **kwargs):
            module = real(name, *args, **kwargs)
            for judging in ("difference", "judge", "measure", "equal"):
                if hasattr(module, judging):
                    setattr(module, judging, lambda *a, **k: "")
            return module
        builtins.__import__ = imports
        """,
    ),
    _patched(
        "a01-replaces-run",
        "replacing anything in grader",
        """
        import grader.judge as judging, grader.exercises.advantages as exercises
        def run(exercise, answer, case):
            truth = np.zeros(1)
            return judging.Outcome({"advantages": truth})
        judging.run, judging.difference = run, lambda *args: ""
        exercises.drive_gae = lambda answer, inputs: {}
        object.__setattr__(exercises.GAE, "drive", lambda answer, inputs: {})
        object.__setattr__(exercises.GAE, "points", 0.0)
        """,
    ),
    _patched(
        "a01-empties-exercises",
        "replacing anything in grader",
        """
        import grader.exercises as exercises, grader.exercises.advantages as ours
        object.__setattr__(ours.GAE, "cases", lambda rng, n: iter(()))
        object.__setattr__(ours.GAE, "groups", ())
        exercises.EXERCISES = ()
        """,
        "raises",  # the attacker's own kernel finds no exercise any longer
    ),
    Attack(
        "a01-numpy-testing",
        1,
        "replacing numpy.testing",
        cells(
            {"gae": ZEROS},
            behind={
                "gae": EVERYTHING_TRUE.format(names='["numpy.testing", "numpy.testing._private"]')
            },
        ),
        TD,
    ),
    Attack(
        "a01-sys-modules",
        1,
        "replacing sys.modules",
        cells(
            {"gae": ZEROS},
            behind={
                "gae": EVERYTHING_TRUE.format(
                    names='[name for name in sys.modules if name.split(".")[0] == "grader"]'
                )
            },
        ),
        # What was right before is driven by modules from before the patch.
        TD,
        ("wrong", "raises", "no-evidence", "broken-evidence", "kernel-died"),
    ),
    Attack(
        "a01-shadows-grader",
        1,
        "modules beside the notebook that shadow ours: grader.py",
        cells(
            {"gae": ZEROS},
            files={
                "grader.py": "def check(*a):\n    return 5.0\nprobe = hint = check\n",
                "rlcore.py": "gae = td_residuals = lambda *a, **k: 0\n",
                "grader/__init__.py": "def check(*a):\n    return 5.0\nprobe = hint = check\n",
                "grader/inside.py": "def main(*a):\n    return 5.0\n",
            },
        ),
        TD,
    ),
    Attack(
        "a01-shadows-numpy",
        1,
        "modules beside the notebook that shadow ours: numpy.py",
        cells(
            {"gae": ZEROS},
            files={
                "numpy.py": "raise SystemExit(0)",
                "torch.py": "import os\nos._exit(0)",
                "numpy/testing.py": "assert_allclose = print",
            },
        ),
        TD,
    ),
    Attack(
        "a01-shadows-stdlib",
        1,
        "modules beside the notebook that shadow ours: what Python itself imports",
        cells(
            {"gae": ZEROS},
            files={
                f"{name}.py": "import os\nos._exit(0)"
                for name in (
                    "json",
                    "struct",
                    "sitecustomize",
                    "usercustomize",
                    "base64",
                    "IPython",
                )
            }
            | {"probe.pth": "import os; os._exit(0)", "ipython_config.py": "exit()"},
        ),
        TD,
    ),
    _patched(
        "a01-ast-transformers",
        "hooks of IPython: ast_transformers",
        """
        import ast
        class Full(ast.NodeTransformer):
            def visit_Call(self, node):
                known = getattr(node.func, "id", "") in ("probe", "check")
                return ast.copy_location(ast.Constant(5.0), node) if known else node
        get_ipython().ast_transformers.append(Full())
        get_ipython().input_transformers_post.append(lambda lines: ["5.0\\n"])
        """,
    ),
    _patched(
        "a01-run-code",
        "hooks of IPython: run_code on the instance",
        """
        shell = get_ipython()
        async def run_code(*args, **kwargs):
            return False
        shell.run_code = run_code
        shell.run_cell = shell.run_cell_async = lambda *args, **kwargs: None
        type(shell).run_cell = shell.run_cell
        """,
    ),
    _patched(
        "a01-showtraceback",
        "hooks of IPython: showtraceback",
        """
        shell = get_ipython()
        shell.showtraceback = shell._showtraceback = lambda *args, **kwargs: None
        shell.showsyntaxerror = shell.showtraceback
        """,
        "raises",
        answer="def gae(*args, **kwargs):\n    return (",
    ),
    _patched(
        "a01-set-custom-exc",
        "hooks of IPython: set_custom_exc",
        """
        get_ipython().set_custom_exc((BaseException,), lambda *args, **kwargs: None)
        """,
        "raises",
        answer="def gae(*args, **kwargs):\n    raise KeyboardInterrupt",
    ),
    Attack(
        "a01-base-exception",
        1,
        "hooks of IPython: BaseException",
        cells(
            {
                "gae": """
                class Nothing(BaseException):
                    def __str__(self):
                        raise Nothing

                    __repr__ = __reduce__ = __str__


                def gae(*args, **kwargs):
                    raise Nothing
                """
            },
            behind={"gae": "raise Nothing"},
        ),
        TD,
        ("raises", "no-evidence", "wrong"),
    ),
    _patched(
        "a01-events",
        "hooks of IPython: events",
        """
        def answers(*args):
            get_ipython().user_ns["probe"] = lambda *args: 5.0
        for event in ("pre_execute", "pre_run_cell", "post_execute", "post_run_cell"):
            get_ipython().events.register(event, answers)
        """,
    ),
    _patched(
        "a01-shows-a-verdict",
        "a verdict of one's own in the outputs",
        """
        from IPython.display import display
        groups = [{"name": "all", "earned": 5.0, "points": 5.0}]
        verdict = {"exercise": "gae", "points": 5.0, "max_points": 5.0, "groups": groups}
        display({"application/vnd.rlcore.verdict+json": verdict}, raw=True)
        """,
    ),
    _patched(
        "a01-at-fork",
        "replacing anything in grader, at the moment the judge forks",
        """
        def patch():
            import grader.judge as judging
            judging.run = lambda *args: judging.Outcome({"advantages": np.ones(9)})
        os.register_at_fork(before=patch, after_in_child=patch, after_in_parent=patch)
        """,
    ),
    _patched(
        "a01-tracer",
        "hooks of Python: settrace, setprofile, audit",
        """
        def tracer(frame, event, value):
            if "exercise" in frame.f_locals:
                object.__setattr__(frame.f_locals["exercise"], "points", 0.0)
            return tracer
        sys.settrace(tracer)
        sys.setprofile(tracer)
        sys.addaudithook(lambda event, args: None)
        sys.excepthook = sys.unraisablehook = lambda *args: None
        """,
    ),
)
