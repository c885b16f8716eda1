/* A network of a test program's own, so that it needs no network of the machine's: with its own
 * user namespace, where an ordinary user runs it. */
#ifndef TESTS_OWN_NETWORK_H
#define TESTS_OWN_NETWORK_H

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static inline bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    if (fd >= 0)
        close(fd);
    return good;
}

/* Enters new NAMESPACES (CLONE_NEW…); false where this user may make none. */
static inline bool enter_namespaces(int namespaces)
{
    char uid[32], gid[32];

    snprintf(uid, sizeof uid, "0 %u 1", geteuid());
    snprintf(gid, sizeof gid, "0 %u 1", getegid());
    return unshare(namespaces) == 0 ||
           (unshare(CLONE_NEWUSER | namespaces) == 0 &&
            write_file("/proc/self/setgroups", "deny") && write_file("/proc/self/uid_map", uid) &&
            write_file("/proc/self/gid_map", gid));
}

/* Brings loopback up where it is not; false where that cannot be. */
static inline bool bring_loopback_up(void)
{
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool up = ioctl(fd, SIOCGIFFLAGS, &request) == 0 && (request.ifr_flags & IFF_UP) != 0;

    if (!up) {
        request.ifr_flags = IFF_UP | IFF_RUNNING;
        up = ioctl(fd, SIOCSIFFLAGS, &request) == 0;
    }
    close(fd);
    return up;
}

/* For a test that needs no more than loopback. Where it may have no network of its own, it takes
 * the machine's; where that has none either, it is skipped. */
static inline void need_loopback(void)
{
    enter_namespaces(CLONE_NEWNET);
    if (!bring_loopback_up()) {
        puts("1..0 # SKIP loopback is down, and this user may make no network namespace");
        exit(0);
    }
}

#endif
