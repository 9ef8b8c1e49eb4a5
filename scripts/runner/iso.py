# SPDX-License-Identifier: MIT
"""Bootable images: GRUB with one kernel and the words of one run.

The product's own ISO has a menu and no words for a run, so most runs boot an ISO of their own, made
by the same tool. It is a hybrid image, which a BIOS boots from a CD and from a disk alike.
"""

import pathlib
import re
import shutil

from .images import ImageError, run_tool

MENU = """set timeout=0
set default=0
menuentry "libvirtio" {{
    multiboot2 /boot/kernel.elf {words}
    boot
}}
"""


def prepare(configuration, products, work):
    """Returns the image to boot from, or None if the configuration boots without one."""
    if configuration.boot == "product-iso":
        return products.iso
    if configuration.boot == "kernel":
        return None
    return make(products.kernel(configuration.arch), configuration.kernel_words,
                pathlib.Path(work))


def make(kernel, words, work):
    tool = shutil.which("grub-mkrescue") or shutil.which("grub2-mkrescue")
    if not tool:
        raise ImageError("grub-mkrescue is missing: run sh scripts/setup")
    tree, image = work / "iso", work / "boot.iso"
    (tree / "boot" / "grub").mkdir(parents=True)
    shutil.copyfile(kernel, tree / "boot" / "kernel.elf")
    (tree / "boot" / "grub" / "grub.cfg").write_text(MENU.format(words=" ".join(words)))
    run_tool([tool, "-o", str(image), str(tree)])
    shutil.rmtree(tree)
    return image


def menu_keys(configuration, root):
    """Returns (text to wait for, keys to send then) that choose a kernel in the product's menu.

    The menu is on the serial port. Its first entry starts by itself: nothing to send for that.
    """
    if configuration.boot != "product-iso":
        return None
    titles = re.findall(r'^menuentry "([^"]*)"', (root / "boot" / "grub.cfg").read_text(), re.M)
    for number, title in enumerate(titles):
        if configuration.arch in title.replace(",", " ").split():
            return (title.encode(), b"\x0e" * number + b"\r") if number else None
    raise ImageError(f"no entry of boot/grub.cfg names {configuration.arch}: {', '.join(titles)}")
