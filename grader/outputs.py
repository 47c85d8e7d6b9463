"""The outputs of one cell, put together from the frames that a kernel sends."""

from typing import Any

from nbformat import NotebookNode

from grader.clean import clean_output

MOST_OUTPUTS = 500


class Outputs:
    """The outputs of one cell, as they come in."""

    def __init__(self, cell: NotebookNode) -> None:
        self.cell = cell
        self.cell.outputs, self.cell.execution_count = [], None
        self._by_id: dict[str, int] = {}
        self._clear = self.cut = False

    def count(self) -> None:
        """The cell has been run."""
        self.cell.execution_count = 1

    def add(self, frame: Any) -> None:
        """Take in one frame; what is none is left out."""
        if not isinstance(frame, dict):
            return
        if "clear" in frame:
            self._clear = frame["clear"] is True
            if not self._clear:
                self.cell.outputs, self._by_id = [], {}
            return
        output = clean_output(_as_output(frame))
        if output is None or len(self.cell.outputs) >= MOST_OUTPUTS:
            return
        if self._clear:
            self.cell.outputs, self._clear, self._by_id = [], False, {}
        self._place(output, frame)

    def _place(self, output: NotebookNode, frame: dict) -> None:
        outputs, name = self.cell.outputs, frame.get("id")
        last = outputs[-1] if outputs else {}
        if "update" in frame:
            if isinstance(name, str) and name in self._by_id:
                outputs[self._by_id[name]] = output
        elif output.output_type == "stream" and last.get("name") == output.name:
            last["text"] += output.text
        else:
            if isinstance(name, str):
                self._by_id[name] = len(outputs)
            outputs.append(output)


def _as_output(frame: dict) -> Any:
    """A frame as nbformat has it."""
    if "stream" in frame:
        return {"output_type": "stream", "name": frame["stream"], "text": frame.get("text")}
    if "error" in frame:
        texts = {"ename": frame["error"], "evalue": frame.get("value")}
        return {"output_type": "error", **texts, "traceback": frame.get("traceback")}
    kind = "execute_result" if "result" in frame else "display_data"
    data = frame.get("result") or frame.get("display") or frame.get("update")
    return {"output_type": kind, "data": data}
