"""Only plain numbers reach the judge."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader.exercise import Refused
from grader.plain import decode, encode, plain


@pytest.mark.parametrize(
    "value",
    [
        3,
        True,
        3.0,
        np.float32(3),
        np.array(3),
        torch.tensor(3),
        torch.tensor(3.0, requires_grad=True),
        torch.nn.Parameter(torch.tensor(3.0)),
    ],
)
def test_numbers_arrays_and_tensors_become_float64(value):
    got = plain(value, "it")
    assert type(got) is np.ndarray
    assert got.dtype == np.float64
    assert got.shape == ()


def test_a_list_of_numbers_becomes_an_array():
    np.testing.assert_array_equal(plain([1, np.float64(2.0), torch.tensor(3)], "it"), [1, 2, 3])


def test_what_comes_out_is_a_copy():
    value = np.ones(2)
    plain(value, "it")[0] = 5.0
    assert value[0] == 1.0


class LyingArray(np.ndarray):
    def __array__(self, *args, **kwargs):
        return np.zeros(2)


class LyingNumber(float):
    pass


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (None, "it is None; does the function end with return"),
        (np.ones(2).view(LyingArray), "of type LyingArray"),
        (LyingNumber(1.0), "of type LyingNumber"),
        (np.ma.array([1.0]), "of type MaskedArray"),
        ("1.0", "of type str"),
        ({"a": 1.0}, "of type dict"),
        (np.array(["1"]), "dtype <U1"),
        (np.array([1j]), "dtype complex128"),
        (np.array([object()]), "dtype object"),
        ([1.0, [1.0, 2.0]], "unequal parts"),
        ([1.0, None], "it[1] is None"),
    ],
)
def test_anything_else_is_refused_with_a_sentence(value, sentence):
    with pytest.raises(Refused) as error:
        plain(value, "it")
    assert sentence in str(error.value)


arrays = hnp.arrays(
    st.sampled_from([np.float64, np.float32, np.int64, np.bool_]),
    hnp.array_shapes(min_dims=0, min_side=0),
    elements={"allow_nan": False, "allow_infinity": False},
)


@given(arrays)
def test_encoding_through_json_keeps_shape_dtype_and_twelve_digits(array):
    got = decode(json.loads(json.dumps(encode({"a": array}), allow_nan=False)))["a"]
    assert got.dtype == array.dtype
    assert got.shape == array.shape
    np.testing.assert_allclose(got, array, rtol=1e-11, atol=0)
