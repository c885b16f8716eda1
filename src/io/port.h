/* A UDP port. Datagrams are taken and sent by the dozen, a system call for as many as there are.
 * The port of a client has the kernel's timestamps in both directions, and the ICMP errors for what
 * it has sent, all as an ordinary user. */
#ifndef IO_PORT_H
#define IO_PORT_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "endpoint.h"
#include "error.h"
#include "nsec.h"
#include "udp.h"

enum {
    PORT_BATCH = 64,       /* of what is taken or sent at once */
    PORT_DATAGRAM = 65536, /* room for every datagram */
    PORT_KEPT = 8,
    PORT_SENT = 1024, /* of what was sent, to compare with what ICMP errors quote */
};

/* One thing that the kernel has told: a datagram, or an ICMP error for one that was sent. */
struct port_receipt {
    bool is_error;
    nsec when;
    struct endpoint from; /* a datagram's source; an error's local end */
    struct endpoint to;   /* the local end; an error's lost destination */
    uint8_t icmp_type;
    uint8_t icmp_code;
    uint32_t icmp_reporter; /* IPv4 address */
    bool quotes_sent;       /* the error quotes what was sent to `to`, as far as its nonce */
    size_t size;            /* of the datagram, or of as much of it as there was room for */
    uint8_t *bytes;         /* in the batch; NULL for an error */
};

struct port {
    int fd; /* -1 = closed */
    struct endpoint local;
    bool has_errors;   /* the kernel queues ICMP errors */
    bool has_stamps;   /* and tells when datagrams came */
    bool stamps_sends; /* the kernel reports when packets left */
    uint32_t next_send_id;
    struct port_receipt kept[PORT_KEPT]; /* errors met while looking for a send's time */
    unsigned kept_count;
    uint64_t sent[PORT_SENT]; /* hashes, each at its own remainder: the latest stays */
};

enum port_use {
    PORT_CLIENT, /* timestamps, ICMP errors */
    PORT_SERVER, /* neither; large buffers */
};

/* Several sockets, of one user, that have the same address and port: each gets the datagrams of a
 * part of the peers. */
enum port_sharing {
    PORT_ALONE,
    PORT_SHARED, /* the first: as if alone, so that it fails where another program is; then shared
                  */
    PORT_JOINED, /* the others */
};

struct port_config {
    enum port_use use;
    enum port_sharing sharing;
    struct endpoint local;   /* address 0 = all; port 0 = one chosen by the system */
    struct endpoint towards; /* tells which address is P->local's where `local` has none */
};

/* Opens and binds a non-blocking socket. P->local gets the address that the route to TOWARDS uses
 * if it is bound to all; 0 if there is no route. Returns 0, or -1 with ERROR filled, P->fd -1 and
 * errno telling why. */
int port_open(struct port *p, const struct port_config *config, struct error *error);

void port_close(struct port *p);

/* Tells which routes the kernel takes: by a UDP socket that is connected and sends nothing. */
struct route {
    int fd; /* -1 = none: then no route is found */
};

void route_open(struct route *r);
void route_close(struct route *r);

/* The source address that the route to TOWARDS uses; 0 if there is no route. */
uint32_t route_source(const struct route *r, struct endpoint towards);

/* The same, once. */
uint32_t port_route_source(struct endpoint towards);

/* Sends the message, whose `from` is not looked at, with TTL unless that is 0. Returns 0, *WHEN set
 * to the time at which the packet left (the kernel's if it stamps sends); or the errno. */
int port_send(struct port *p, const struct udp_message *message, uint8_t ttl, nsec *when);

/* What was taken from a port at once. Ports may share one. */
struct port_batch {
    unsigned count;
    struct port_receipt receipts[PORT_BATCH];
    struct port_slots *slots;
};

/* With ROOM bytes for each datagram: a longer one is cut. NULL, and ERROR filled, on failure. */
struct port_batch *port_batch_new(size_t room, struct error *error);
void port_batch_free(struct port_batch *b);

/* Takes at most LIMIT (and at most PORT_BATCH) of what waits into B: errors first. Never blocks.
 * Returns how many there are, 0 if nothing waits; or -1 with ERROR filled where nothing can be
 * received any more. */
int port_receive(struct port *p, struct port_batch *b, unsigned limit, struct error *error);

/* Datagrams that wait for port_flush. */
struct port_queue {
    unsigned count;
    struct mmsghdr messages[PORT_BATCH];
    struct iovec vectors[PORT_BATCH];
    struct sockaddr_in destinations[PORT_BATCH];
};

void port_queue_init(struct port_queue *q);

/* DATA is borrowed until port_flush, which is due before the PORT_BATCH + 1st. */
void port_queue_add(struct port_queue *q, struct endpoint to, const uint8_t *data, size_t size);

/* Sends what is queued. A datagram that the system refuses is given up, and FAILED (may be NULL)
 * told its errno; the rest still goes. Returns how many were sent. */
unsigned port_flush(const struct port *p, struct port_queue *q,
                    void (*failed)(void *context, struct endpoint to, int errnum), void *context);

#endif
