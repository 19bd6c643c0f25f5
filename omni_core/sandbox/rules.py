"""What one child process may do."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Mode = Literal["auto", "strict", "off"]
"""auto: what the kernel has; strict: the child does not start where something is missing; off:
nothing but a clean environment and no new privileges."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a child may do. The defaults are those of a decoder."""

    mode: Mode = "auto"
    network: bool = False
    """Sockets of any kind, those of the machine's own services too."""
    fetches: bool = False
    """Whether the network is given up once everything is loaded; see `entering.loaded`."""
    serves: bool = False
    """Whether it answers on sockets that were opened before: it takes connections, makes none."""
    programs: bool = False
    """Further processes, and signals to others."""
    reads: tuple[str, ...] | None = ()
    """Folders and files that it may read besides those of Python and the system; None: any."""
    writes: tuple[str, ...] | None = ()
    """Folders below which it may create, change and remove files; None: any. With a folder of its
    own for temporary files."""
    moves: bool = False
    """Whether it moves files from one folder to another, which Landlock 1 (Linux 5.13 to 5.18)
    refuses everywhere: there it has none."""
    devices: bool = False
    """Whether it runs models: it may use devices, as a GPU is, and see which there are."""
    variables: tuple[str, ...] = ()
    """Names of environment variables that it gets besides the usual ones."""
    keeps: tuple[int, ...] = (2,)
    """Capabilities that a child of root keeps: CAP_DAC_READ_SEARCH (2), to read what root may."""


CAN_WRITE_ANYWHERE = (0, 1, 2, 3)
"""CAP_CHOWN, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER: a store on a mounted folder may
belong to another user than root."""

SYSTEM = (
    "/usr", "/lib", "/lib32", "/lib64", "/bin", "/nix/store", "/gnu/store", "/opt/homebrew",
    "/etc/ld.so.cache", "/etc/localtime", "/etc/timezone", "/etc/mime.types", "/etc/fonts",
    "/etc/passwd", "/etc/nsswitch.conf", "/etc/os-release", "/var/cache/fontconfig",
    "/dev/null", "/dev/zero", "/dev/urandom", "/dev/random",
    "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys", "/proc/self",
    "/sys/devices", "/sys/bus/pci", "/sys/fs/cgroup",
)  # fmt: skip
"""What any program reads. Other processes under /proc, and the rest of /etc, are not there."""
FONTS = ("~/.fonts", "~/.local/share/fonts")
DRIVERS = (
    "/sys", "/opt", "/run/opengl-driver", "/proc/driver", "/proc/devices", "/proc/modules",
    "/proc/version", "/proc/vmstat", "/proc/zoneinfo", "/proc/loadavg", "/proc/uptime",
    "/proc/filesystems", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives",
    "/etc/OpenCL", "/etc/vulkan", "/etc/nvidia", "/etc/group",
)  # fmt: skip
"""What a child that runs models reads besides: drivers, their libraries, what the machine has."""
OF_THE_NETWORK = (
    "/etc/resolv.conf", "/etc/hosts", "/etc/host.conf", "/etc/gai.conf", "/etc/services",
    "/etc/protocols", "/etc/ssl", "/etc/pki", "/etc/ca-certificates",
)  # fmt: skip
"""What a child reads that may use the network: names of hosts, and certificates."""
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""Variables that name further certificates."""


def of_python(path: Iterable[str] = ()) -> tuple[str, ...]:
    """The folders of this interpreter and of its packages, installed with `pip install -e` too."""
    import sysconfig  # in the child alone

    places = {sys.prefix, sys.base_prefix, sys.exec_prefix, os.path.dirname(sys.executable)}
    places |= {*sysconfig.get_paths().values(), *path}
    places |= {p for p in os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep) if p}
    for name, module in list(sys.modules.items()):
        if name.startswith("__editable__"):
            places |= set(map(str, getattr(module, "MAPPING", {}).values()))
    return tuple(sorted(places - {""}))


def of_index(mode: Mode, *folders: str) -> Rules:
    """The rules for the process of the embedded index, which knows these folders alone: that of its
    files and, for a copy of them, that of the copy."""
    return Rules(mode, reads=folders, writes=folders, moves=True, keeps=CAN_WRITE_ANYWHERE)
