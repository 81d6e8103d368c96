"""Files that open with a password only: archives and workbooks, by the passwords given, in order, never guessed."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

from recon.problems import Problem

EXTRA = "recon[passwords]"
_AES = 99  # the compression method that WinZip's AES members state
# Excel itself opens a workbook with this one without asking: it stands in files protected against changes only.
_EXCEL_DEFAULT = "VelvetSweatshop"


def refusal(passwords: Sequence[str]) -> Problem:
    """What to say of a file that none of ``passwords`` opens."""
    return Problem("password-wrong" if passwords else "password-required")


class Archive:
    """The protected members of a ZIP archive: the old ZipCrypto by the standard library, AES by pyzipper."""

    def __init__(self, data: bytes, passwords: Sequence[str]) -> None:
        self._data = data
        self._given = passwords
        self._keys = list(_keys(passwords))
        self._opened: dict[bool, Any] = {}

    def read(self, member: zipfile.ZipInfo) -> bytes | Problem:
        """The content of a member, or why there is none."""
        if not self._keys:
            return refusal(())
        is_aes = member.compress_type == _AES
        try:
            archive = self._archive(is_aes)
        except ImportError:
            return Problem("password-extra", value=EXTRA)
        for at, key in enumerate(self._keys):
            try:
                content = archive.read(member.filename, pwd=key)
            except (RuntimeError, zipfile.BadZipFile, OSError, EOFError, ValueError, zlib.error):
                continue  # a wrong password may pass the short check and fail at the content
            self._keys.insert(0, self._keys.pop(at))  # the next member has the same one
            return bytes(content)
        return refusal(self._given)

    def _archive(self, is_aes: bool) -> Any:
        if is_aes not in self._opened:
            if is_aes:
                import pyzipper

                self._opened[is_aes] = pyzipper.AESZipFile(BytesIO(self._data))
            else:
                self._opened[is_aes] = zipfile.ZipFile(BytesIO(self._data))
        return self._opened[is_aes]


def open_office(data: bytes, passwords: Sequence[str]) -> bytes | Problem:
    """The workbook inside an encrypted .xlsx or .xls, or why there is none."""
    try:
        import msoffcrypto
    except ImportError:
        return Problem("password-extra", value=EXTRA) if passwords else refusal(())
    for password in (_EXCEL_DEFAULT, *passwords):
        try:
            source = msoffcrypto.OfficeFile(BytesIO(data))
            target = BytesIO()
            source.load_key(password=password)
            source.decrypt(target)
        except Exception as error:  # noqa: BLE001 - a wrong password is one of many types, as damage is
            if "Key" in type(error).__name__ or "ecrypt" in type(error).__name__:
                continue
            return Problem("unreadable-file", value=type(error).__name__)
        return target.getvalue()
    return refusal(passwords)


def _keys(passwords: Sequence[str]) -> Iterator[bytes]:
    """Each password as bytes; a Chinese one in both encodings that archivers use."""
    for password in passwords:
        yield password.encode("utf-8")
        if not password.isascii():
            yield password.encode("gb18030")
