"""What the fields and annotations of a PDF say, through PDFium."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import pypdfium2.raw as c

from omni_core.media.document.engines.base import Field

_TICKS = {c.FPDF_FORMFIELD_CHECKBOX, c.FPDF_FORMFIELD_RADIOBUTTON}
_VALUES = {c.FPDF_FORMFIELD_TEXTFIELD, c.FPDF_FORMFIELD_COMBOBOX, c.FPDF_FORMFIELD_LISTBOX}
_PASSWORD = 1 << 13
"""Flag of a text field whose value is secret."""


def field(forms: Any, mark: Any) -> Field | None:
    """A filled field; None for an empty, a secret or another kind of field.

    PDFium looks through all fields of the page for each thing that it says of one, so what a field
    without a group says of itself is taken from there.
    """
    alone = not c.FPDFAnnot_HasKey(mark, b"Parent")
    if alone and not (c.FPDFAnnot_HasKey(mark, b"V") or c.FPDFAnnot_HasKey(mark, b"AS")):
        return None
    kind = c.FPDFAnnot_GetFormFieldType(forms, mark)
    value, label = ((_own(mark, b"V"), _own(mark, b"TU") or _own(mark, b"T")) if alone
                    else ("", ""))  # fmt: skip
    value = value or string(lambda *a: c.FPDFAnnot_GetFormFieldValue(forms, *a), mark)
    label = label or string(lambda *a: c.FPDFAnnot_GetFormFieldAlternateName(forms, *a), mark)
    label = label or string(lambda *a: c.FPDFAnnot_GetFormFieldName(forms, *a), mark)
    if kind in _TICKS:
        on = c.FPDFAnnot_IsChecked(forms, mark)
        return Field(label, value, ticked=True) if on else None
    if kind == c.FPDF_FORMFIELD_TEXTFIELD and _is_secret(forms, mark, alone=alone):
        return None
    return Field(label, value) if value and kind in _VALUES else None


def _own(mark: Any, key: bytes) -> str:
    return string(c.FPDFAnnot_GetStringValue, mark, key)


def _is_secret(forms: Any, mark: Any, *, alone: bool) -> bool:
    if not alone:
        return bool(c.FPDFAnnot_GetFormFieldFlags(forms, mark) & _PASSWORD)
    flags = ctypes.c_float()
    return bool(c.FPDFAnnot_GetNumberValue(mark, b"Ff", flags) and int(flags.value) & _PASSWORD)


def string(get: Callable[..., int], *of: Any) -> str:
    """What a function writes as UTF-16 into a buffer, whose size it says when asked without."""
    size = get(*of, None, 0)
    if size <= 2:
        return ""
    buffer = ctypes.create_string_buffer(size)
    get(*of, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), size)
    return buffer.raw[: size - 2].decode("utf-16-le", "replace").rstrip("\0")
