/* Sends crafted packets: through a UDP socket what one can send, the rest through a raw socket
 * (libnet), from a port that another program has too. And takes what comes back. */
#ifndef IO_INJECT_H
#define IO_INJECT_H

#include "craft.h"
#include "port.h"

struct inject_config {
    struct endpoint from;    /* address 0: the route's; port 0: one that the system chooses */
    struct endpoint towards; /* where packets go: tells which address is the route's */
    struct udp_options udp;  /* of all packets: tos, dont_fragment, checksum right or zero */
    bool spoof;              /* `from` may be no address of this host */
    const char *raw_option;  /* the command's option that needs a raw socket, or NULL */
    bool listen;             /* inject_receive will be called */
};

struct libnet_context;

struct inject {
    struct port udp; /* closed where another program has the port */
    struct libnet_context *raw;
    struct route route;
    struct port copies; /* a raw socket with copies of all UDP datagrams; closed = not needed */
    struct endpoint from;
    bool spoofed;      /* from.address is no address of this host */
    bool foreign_port; /* from.port is another program's */
};

/* Opens the sockets; privileges may be dropped afterwards. 0, or -1 and ERROR filled: EX_NOPERM
 * where it takes CAP_NET_RAW, EX_UNAVAILABLE for a source address that this host does not have. */
int inject_open(struct inject *i, const struct inject_config *config, struct error *error);

/* Where packets to TO come from. */
struct endpoint inject_source(const struct inject *i, struct endpoint to);

/* True if ADDRESS is one of this host's. */
bool inject_host_has(uint32_t address);

/* Sends C, whose `from` is what inject_source said. Returns 0, or the errno; *WHEN is set to the
 * time at which it left. EMSGSIZE for a packet that is too large. */
int inject_send(struct inject *i, const struct craft *c, nsec *when);

/* A batch of the datagrams and ICMP errors for our port, as port_receive; B has room for every
 * datagram. On another program's port there are datagrams alone, of which that program gets its own
 * copy. */
int inject_receive(struct inject *i, struct port_batch *b, struct error *error);

/* The descriptor to wait for; -1 if nothing can come. */
int inject_fd(const struct inject *i);

void inject_close(struct inject *i);

#endif
