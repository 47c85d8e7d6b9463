"""The two passes through an `mlp`, written out: autograd takes longer, and always new memory."""

from typing import Any

import torch
from torch import Tensor, nn


class Backprop:
    """A net to be asked like the net itself, whose weights get their gradients in `backward`.

        h_0 = x,        h_l = φ(W_l h_{l−1} + b_l),        y = W_L h_{L−1} + b_L
        e_L = ∂L/∂y,        e_l = φ'_l W_{l+1}ᵀ e_{l+1},        φ' = 1 − h² (tanh), 1[h > 0] (ReLU)
        ∂L/∂W_l = e_l h_{l−1}ᵀ,        ∂L/∂b_l = e_l,        summed over the rows

    Goodfellow, Bengio & Courville 2016, algorithms 6.3 and 6.4. Autograd works out ∂L/∂y, whatever
    the loss is; for nets as small as these its bookkeeping takes longer than the arithmetic.

    Args:
        net: an `mlp` of tanh or ReLU units whose parameters have a `grad`, to be overwritten.
    """

    def __init__(self, net: nn.Sequential) -> None:
        self.layers: list[Any] = [layer for layer in net if isinstance(layer, nn.Linear)]
        self._tanh = any(isinstance(layer, nn.Tanh) for layer in net)
        self._hidden = [torch.empty(0)]

    @torch.no_grad()
    def __call__(self, inputs: Tensor) -> Tensor:
        """The net's outputs (B, outputs) for inputs (B, n); a loss of them may go backward."""
        if len(inputs) != len(self._hidden[0]):
            sizes = [layer.in_features for layer in self.layers]
            self._hidden = [inputs.new_empty(len(inputs), size) for size in sizes]
            self._errors = [torch.empty_like(hidden) for hidden in self._hidden]
        self._hidden[0] = inputs
        for layer, before, after in zip(self.layers, self._hidden, self._hidden[1:], strict=False):
            torch.addmm(layer.bias, before, layer.weight.T, out=after)
            after.tanh_() if self._tanh else after.relu_()
        last = self.layers[-1]
        self.outputs = torch.addmm(last.bias, self._hidden[-1], last.weight.T).requires_grad_()
        return self.outputs

    @torch.no_grad()
    def backward(self) -> None:
        """Fill the parameters' gradients, once `loss.backward()` has filled that of the outputs."""
        error: Any = self.outputs.grad
        aten = torch.ops.aten  # its names for: error ← φ' error
        passes = zip(self.layers[::-1], self._hidden[::-1], self._errors[::-1], strict=True)
        for layer, hidden, following in passes:
            torch.mm(error.T, hidden, out=layer.weight.grad)
            torch.sum(error, 0, out=layer.bias.grad)
            if layer is not self.layers[0]:
                error = torch.mm(error, layer.weight, out=following)
                if self._tanh:
                    aten.tanh_backward.grad_input(error, hidden, grad_input=error)
                else:
                    aten.threshold_backward.grad_input(error, hidden, 0, grad_input=error)
