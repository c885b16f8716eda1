/* A UDP socket with kernel timestamps in both directions and ICMP errors, all as an ordinary user.
 */
#ifndef IO_UDP_SOCKET_H
#define IO_UDP_SOCKET_H

#include <stddef.h>
#include <stdint.h>

#include "endpoint.h"
#include "error.h"
#include "nsec.h"

enum {
    UDP_SOCKET_BUFFER = 65536,
    UDP_SOCKET_KEPT = 8
};

/* One thing that the kernel has told: a datagram, or an ICMP error for one that was sent. */
struct udp_receipt {
    bool is_error;
    nsec when;
    struct endpoint from; /* a datagram's source; an error's local end */
    struct endpoint to;   /* the local end; an error's lost destination */
    uint8_t icmp_type;
    uint8_t icmp_code;
    uint32_t icmp_reporter; /* IPv4 address */
    size_t size;            /* of the datagram, in the caller's buffer */
};

struct udp_socket {
    int fd; /* -1 = closed */
    struct endpoint local;
    bool stamps_sends; /* the kernel reports when packets left */
    uint32_t next_send_id;
    struct udp_receipt kept[UDP_SOCKET_KEPT]; /* errors met while looking for a send's time */
    unsigned kept_count;
};

/* Opens and binds a socket to PORT (0 = one chosen by the system) on all addresses, non-blocking.
 * `local` gets the address that the route to TOWARDS uses; 0 if there is none. */
int udp_socket_open(struct udp_socket *s, uint16_t port, struct endpoint towards,
                    struct error *error);

/* The same, bound to LOCAL's address (0 = all) and port (0 = one chosen by the system). Where it
 * cannot be bound, errno says why. */
int udp_socket_open_at(struct udp_socket *s, struct endpoint local, struct endpoint towards,
                       struct error *error);

/* The source address that the route to TOWARDS uses; 0 if there is no route. Sends nothing. */
uint32_t udp_route_source(struct endpoint towards);

/* Sends, with TTL unless that is 0. Returns 0, *WHEN set to the time at which the packet left (the
 * kernel's if it stamps sends); or the errno. */
int udp_socket_send(struct udp_socket *s, struct endpoint to, uint8_t ttl, const void *data,
                    size_t size, nsec *when);

/* Takes the next thing the kernel has to tell: first errors, then datagrams, which are copied to
 * BUF. False when there is nothing more. Never blocks. */
bool udp_socket_receive(struct udp_socket *s, struct udp_receipt *out,
                        uint8_t buf[static UDP_SOCKET_BUFFER]);

void udp_socket_close(struct udp_socket *s);

#endif
