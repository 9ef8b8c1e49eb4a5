# SPDX-License-Identifier: MIT
"""Bootable images: GRUB with the kernels and the words of one run.

The product's own ISO has no words for a run, so most runs boot an ISO of their own, made by the same
scripts/iso. It is a hybrid image, which a BIOS boots from a CD and from a disk alike.
"""

import re

from .images import ImageError, run_tool


def prepare(configuration, products, work):
    """Returns the image to boot from, or None if the configuration boots without one."""
    if configuration.boot == "product-iso":
        return products.iso
    if configuration.boot == "kernel":
        return None
    image = work / "boot.iso"
    run_tool(["sh", "scripts/iso", str(image), configuration.arch,
              " ".join(configuration.kernel_words)], cwd=products.root)
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
