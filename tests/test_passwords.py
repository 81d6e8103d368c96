"""Protected files: opened by the passwords somebody gives, in a file, the environment or at a prompt; never guessed."""

from __future__ import annotations

import io
import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from recon import batch
from recon.reading.file_read import ReadResult
from recon.reading.folder import read_folder
from support import MAPPINGS, ROOT, SAMPLES, run_recon

LOCKED_PDF = ROOT / "tests" / "problems" / "password-required" / "a.pdf"
ROSTER = SAMPLES / "花名册.xlsx"
CSV = next((SAMPLES / "武汉").glob("*A003.csv"))


def zip_aes(files: dict[str, bytes], password: str) -> bytes:
    """An archive as WinZip, 7-Zip and the wallets write it."""
    pyzipper = pytest.importorskip("pyzipper", reason="recon[passwords] is not installed")
    sink = io.BytesIO()
    with pyzipper.AESZipFile(sink, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as new:
        new.setpassword(password.encode())
        for name, content in files.items():
            new.writestr(name, content)
    return sink.getvalue()


def zip_crypto(name: str, content: bytes, password: bytes) -> bytes:
    """An archive in the old encryption, which the standard library reads and nobody writes any more."""
    table = [0] * 256
    for at in range(256):
        value = at
        for _ in range(8):
            value = (value >> 1) ^ 0xEDB88320 if value & 1 else value >> 1
        table[at] = value
    keys = [0x12345678, 0x23456789, 0x34567890]

    def update(byte: int) -> None:
        keys[0] = (keys[0] >> 8) ^ table[(keys[0] ^ byte) & 255]
        keys[1] = ((keys[1] + (keys[0] & 255)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = (keys[2] >> 8) ^ table[(keys[2] ^ (keys[1] >> 24)) & 255]

    def locked(data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            stream = (keys[2] | 2) & 0xFFFF
            out.append(byte ^ ((stream * (stream ^ 1)) >> 8 & 255))
            update(byte)
        return bytes(out)

    for byte in password:
        update(byte)
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as new:
        new.writestr(name, content)
        crc = new.infolist()[0].CRC
    plain = sink.getvalue()
    body = locked(b"\0" * 11 + bytes([crc >> 24]) + content)
    start = plain.index(content)
    data = bytearray(plain[:start] + body + plain[start + len(content):])
    size = len(body).to_bytes(4, "little")
    directory = data.index(b"PK\x01\x02")
    for at, flag, length in ((0, 6, 18), (directory, 8, 20)):
        data[at + flag] |= 1
        data[at + length:at + length + 4] = size
    end = data.index(b"PK\x05\x06")
    data[end + 16:end + 20] = directory.to_bytes(4, "little")
    return bytes(data)


def locked_workbook(password: str) -> bytes:
    """The roster, encrypted as Excel does it."""
    pytest.importorskip("msoffcrypto", reason="recon[passwords] is not installed")
    from msoffcrypto.format.ooxml import OOXMLFile

    sink = io.BytesIO()
    with ROSTER.open("rb") as source:
        OOXMLFile(source).encrypt(password, sink)
    return sink.getvalue()


def read(folder: Path, *passwords: str, **options: object) -> ReadResult:
    return read_folder(folder, mappings=[MAPPINGS], region_of=lambda _: None, workers=1, passwords=passwords,
                       **options)  # type: ignore[arg-type]


def codes(result: ReadResult) -> list[str]:
    return [problem.code for problem in result.problems if problem.code.startswith("password")]


def test_archive_with_aes_and_names_in_gb18030(tmp_path: Path) -> None:
    """A wallet's archive: AES, names in GB18030 without the UTF-8 flag."""
    data = zip_aes({"XXXX.csv": CSV.read_bytes()}, "135790").replace(b"XXXX", "明细".encode("gb18030"))
    (tmp_path / "a.zip").write_bytes(data)
    assert codes(read(tmp_path)) == ["password-required"]
    assert codes(read(tmp_path, "000000", "13579")) == ["password-wrong"]
    opened = read(tmp_path, "000000", "135790")
    assert opened.sources["file"].to_list() == ["a.zip!明细.csv"]
    assert opened.tables["flow"].height > 5
    assert codes(opened) == []


def test_archive_in_the_old_encryption(tmp_path: Path) -> None:
    """ZipCrypto needs no extra; a wrong password passes its one-byte check now and then and is still refused."""
    (tmp_path / "a.zip").write_bytes(zip_crypto("b.csv", CSV.read_bytes(), "密码".encode("gb18030")))
    wrong = [f"{number:06d}" for number in range(99)]
    assert codes(read(tmp_path, *wrong)) == ["password-wrong"]
    assert read(tmp_path, *wrong, "密码").tables["flow"].height > 5


def test_workbook(tmp_path: Path) -> None:
    """An encrypted .xlsx, which is another container altogether."""
    (tmp_path / "a.xlsx").write_bytes(locked_workbook("Geheim 1"))
    assert codes(read(tmp_path)) == ["password-required"]
    assert codes(read(tmp_path, "geheim 1")) == ["password-wrong"]
    assert read(tmp_path, "Geheim 1").tables["person"].height > 5


def test_a_workbook_protected_against_changes_only_needs_no_password(tmp_path: Path) -> None:
    """Excel opens it without asking, so recon does."""
    (tmp_path / "a.xlsx").write_bytes(locked_workbook("VelvetSweatshop"))
    assert read(tmp_path).tables["person"].height > 5


def test_pdf(tmp_path: Path) -> None:
    shutil.copy(LOCKED_PDF, tmp_path)
    assert codes(read(tmp_path)) == ["password-required"]
    assert codes(read(tmp_path, "Secret")) == ["password-wrong"]
    assert "password-wrong" not in codes(read(tmp_path, "Secret", "secret"))


def test_each_member_has_its_own_answer(tmp_path: Path) -> None:
    """A locked file inside an open archive costs only itself."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as new:
        new.writestr("a.csv", CSV.read_bytes())
        new.write(LOCKED_PDF, "b.pdf")
    result = read(tmp_path)
    assert ("password-required", "a.zip!b.pdf") in [(problem.code, problem.file) for problem in result.problems]
    assert result.tables["flow"].height > 5


def test_asked_for_once_and_tried_on_the_next(tmp_path: Path) -> None:
    """A password given for one file opens the next that has the same; a file nobody knows is asked for three times."""
    shutil.copy(LOCKED_PDF, tmp_path / "a.pdf")
    (tmp_path / "b.pdf").write_bytes(LOCKED_PDF.read_bytes() + b"\n")
    asked: list[str] = []

    def ask(name: str) -> str:
        asked.append(name)
        return "secret" if len(asked) > 1 else "wrong"

    assert not {"password-required", "password-wrong"} & set(codes(read(tmp_path, ask=ask)))
    assert asked == ["a.pdf", "a.pdf"]
    asked.clear()
    assert codes(read(tmp_path, ask=lambda name: asked.append(name) or "no")) == ["password-wrong"] * 2
    assert asked == ["a.pdf"] * 3 + ["b.pdf"] * 3
    assert codes(read(tmp_path, ask=lambda _: None)) == ["password-required"] * 2


# ---- where they come from ----------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a locked roster beside open exports."""
    exports = tmp_path / "exports"
    exports.mkdir()
    shutil.copy(CSV, exports)
    (exports / "a.zip").write_bytes(zip_crypto("b.csv", CSV.read_bytes() + b"\n", b"135790"))
    return exports


def test_file_of_passwords(folder: Path, tmp_path: Path) -> None:
    """One a line; refused where others may read it; never read as an export; nowhere in what recon says or writes."""
    secrets = folder / "passwords.txt"
    secrets.write_text("first one\r\n135790\r\n", encoding="utf-8-sig")
    arguments = ["run", folder, "-o", tmp_path / "r.xlsx", "--json", "--passwords", secrets]
    if os.name == "posix":
        secrets.chmod(0o644)
        refused = run_recon(arguments)
        assert refused.code == 2
        assert "chmod 600" in refused.stderr
    secrets.chmod(0o600)
    done = run_recon(arguments)
    assert '"password' not in done.stdout
    assert "135790" not in done.stdout + done.stderr
    with zipfile.ZipFile(tmp_path / "r.xlsx") as book:
        written = b"".join(book.read(name) for name in book.namelist())
    assert b"135790" not in written
    assert b"passwords.txt" not in written


def test_environment(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECON_PASSWORDS", "first\n135790")
    assert '"password' not in run_recon(["run", folder, "-o", tmp_path / "r.xlsx", "--json"]).stdout


def test_never_asked_off_a_terminal(folder: Path, tmp_path: Path) -> None:
    """Without a terminal the file is a problem and the run goes on."""
    done = run_recon(["run", folder, "-o", tmp_path / "r.xlsx", "--json"], stdin="135790\n")
    assert done.code == 4
    assert '"password-required": 1' in done.stdout


def test_never_on_the_command_line_of_a_worker(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers get passwords through a pipe: neither their arguments nor their environment can be listed with one."""
    from recon.reading import workers

    started: list[tuple[object, object]] = []
    popen = workers.subprocess.Popen

    def start(arguments: object, **options: object) -> object:
        started.append((arguments, options["env"]))
        return popen(arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setenv("RECON_PASSWORDS", "135790")
    monkeypatch.setattr(workers.subprocess, "Popen", start)
    workers.close_idle()
    view = batch.run_folder(folder, batch.Options()).view
    assert started
    assert all("135790" not in repr(each) for each in started)
    assert "password-wrong" not in view.table("problem")["code"].to_list()


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_prompt_on_a_terminal(folder: Path, tmp_path: Path) -> None:
    """On a terminal the password is asked for, unseen, and opens the file."""
    import pty
    import subprocess

    master, terminal = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "recon", "run", folder, "-o", tmp_path / "r.xlsx", "--json"], stdin=terminal,
        stdout=subprocess.PIPE, stderr=terminal, start_new_session=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    os.close(terminal)
    said = b""
    while "密码".encode() not in said:
        said += os.read(master, 1024)
    os.write(master, b"135790\n")
    out, _ = process.communicate(timeout=60)
    os.close(master)
    assert b"135790" not in said
    assert b'"password' not in out
