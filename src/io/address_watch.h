/* The IPv4 addresses of this host, as they come and go. */
#ifndef IO_ADDRESS_WATCH_H
#define IO_ADDRESS_WATCH_H

#include <stdint.h>

#include "loop.h"

enum address_change {
    ADDRESS_GONE,
    ADDRESS_CAME,
};

struct address_watch {
    int fd; /* a netlink socket; -1 = none */
    void (*changed)(void *context, uint32_t address, enum address_change change);
    void *context;
};

/* Tells CHANGED of each change that the kernel tells, from LOOP. Where it tells none, as in some
 * containers, nothing is told, and that is no error. 0, or -1 and ERROR filled. */
int address_watch_open(struct address_watch *w, struct loop *loop, struct error *error);

void address_watch_close(struct address_watch *w);

#endif
