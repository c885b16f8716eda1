#!/usr/bin/env python3
"""Runs a program that can open sockets of some address families alone, as under RestrictAddressFamilies= of
systemd.exec(5).

usage: families.py "AF_INET AF_UNIX ..." PROGRAM [ARGUMENT]...
"""
import ctypes
import errno
import os
import socket
import sys

ALLOW, ERRNO, EQUAL = 0x7fff0000, 0x00050000, 4  # seccomp.h
FAMILIES = 64  # more than there are


class Compared(ctypes.Structure):
    _fields_ = [("argument", ctypes.c_uint), ("operator", ctypes.c_int), ("value", ctypes.c_uint64),
                ("mask", ctypes.c_uint64)]


def main(names, *command):
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    rules = ctypes.c_void_p(seccomp.seccomp_init(ALLOW))
    call = seccomp.seccomp_syscall_resolve_name(b"socket")
    allowed = {int(getattr(socket, name)) for name in names.split()}
    for family in set(range(FAMILIES)) - allowed:
        compared = Compared(0, EQUAL, family, 0)
        if seccomp.seccomp_rule_add_array(rules, ERRNO | errno.EAFNOSUPPORT, call, 1,
                                          ctypes.byref(compared)) != 0:
            sys.exit("no rule")
    if seccomp.seccomp_load(rules) != 0:
        sys.exit("no filter")
    os.execv(command[0], command)


main(*sys.argv[1:])
