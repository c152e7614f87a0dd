"""What the figures depend on: the machine, the versions, the load."""

import datetime
import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import weightedce

PACKAGES = (
    "weightedce",
    "numpy",
    "scipy",
    "scikit-learn",
    "torch",
    "jax",
    "optax",
    "tensorflow-cpu",
    "tensorflow",
    "keras",
)


def field(path: str, name: str) -> str:
    """Return a field of a file of the kernel, or ``unknown``."""
    if Path(path).exists():
        for line in Path(path).read_text("utf-8").splitlines():
            if line.startswith(name):
                return line.partition(":")[2].strip()
    return "unknown"


def system() -> str:
    """Return the operating system by the name that it gives itself."""
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.system()


def commit() -> str:
    """Return the commit that is timed, with ``+ changes`` if files differ from it."""
    here = Path(weightedce.__file__).parent

    def git(*command: str) -> str:
        done = subprocess.run(
            ["git", *command], cwd=here, capture_output=True, text=True, check=False
        )
        return done.stdout.strip()

    name = git("rev-parse", "--short", "HEAD") or "unknown"
    return f"{name} + changes" if git("status", "--porcelain", ".") else name


def gpu() -> str:
    """Return the names of the GPUs, as NVIDIA's tool tells them."""
    if not shutil.which("nvidia-smi"):
        return "unknown"
    command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "; ".join(done.stdout.split("\n")).strip("; ") or "unknown"


def load() -> list[float]:
    """Return the load averages of 1, 5 and 15 minutes."""
    return [round(x, 2) for x in os.getloadavg()] if hasattr(os, "getloadavg") else []


def described() -> dict[str, Any]:
    """Return machine and versions."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    cpu = field("/proc/cpuinfo", "model name")
    kilobytes = field("/proc/meminfo", "MemTotal").split()[0]
    flags = field("/proc/cpuinfo", "flags").split()
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": cpu if cpu != "unknown" else platform.processor() or platform.machine(),
        "vectors": " ".join(
            x for x in ("avx2", "avx512f", "avx512_bf16", "amx_tile") if x in flags
        ),
        "cores": os.cpu_count(),
        "memory_gib": round(int(kilobytes) / 2**20, 1) if kilobytes.isdigit() else None,
        "system": f"{system()}, kernel {platform.release()}",
        "python": platform.python_version(),
        "commit": commit(),
        "versions": versions,
    }
