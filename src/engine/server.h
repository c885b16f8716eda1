/* A Teredo server (RFC 4380 5.3) as a pure function of one packet: it keeps no state, as
 * section 5.3 designs it, and does no I/O. It answers router solicitations, relays bubbles and
 * ICMPv6 echoes to Teredo clients, and discards everything else, each time with a reason. */
#ifndef ENGINE_SERVER_H
#define ENGINE_SERVER_H

#include "rate.h"
#include "serving.h"
#include "teredo.h"

/* A client that qualifies securely (5.2.2). All borrowed. */
struct server_client {
    const uint8_t *id;
    size_t id_size; /* 1 to 255 */
    const uint8_t *secret;
    size_t secret_size;
};

struct server_config {
    uint32_t primary; /* the address in the clients' prefixes */
    uint32_t secondary;
    uint16_t port;       /* UDP port of both addresses; 3544 unless in a test */
    uint16_t other_port; /* on which this host serves as well, as another server; 0 = none */
    uint32_t mtu;        /* advertised; also the largest IPv6 packet that is relayed */
    bool allow_private;  /* take private, loopback and link-local IPv4 addresses for global ones */
    bool require_auth;   /* answer only solicitations with a valid authentication value */
    const struct server_client *clients; /* in the order of server_client_compare */
    size_t client_count;
    const uint32_t
        *host; /* all IPv4 addresses of this host, to which nothing is relayed; borrowed */
    size_t host_count;
};

/* A server that is set up: what of its answers is always the same was built once. */
struct server {
    struct server_config config;
    struct in6_addr link_local; /* cone bit 1, our port, our primary address (5.3.2) */
    uint8_t ra_check[IP6_HEADER_SIZE + TEREDO_RA_SIZE]; /* to the destination :: */
    uint16_t ra_checksum;
};

/* How much is sent to one IPv4 address, whoever asks for it: a forged source, or a destination that
 * holds a third party's address, must not make a flood (7.4.1). Addresses share buckets by a hash
 * that nobody outside knows. Processes may share the buckets. */
enum {
    SERVER_BUCKETS = 65536
};

struct server_limit {
    struct rate rate;
    uint64_t key; /* random */
    _Atomic nsec spent[SERVER_BUCKETS];
};

/* Whether one more datagram may go to ADDRESS. */
bool server_limit_take(struct server_limit *limit, uint32_t address, nsec now);

/* One of the server's own addresses. */
enum server_address {
    SERVER_PRIMARY,
    SERVER_SECONDARY,
};

/* A UDP datagram that has come to the server. */
struct server_datagram {
    struct endpoint from;
    enum server_address at; /* which of our addresses it came to */
    const uint8_t *data;
    size_t size;
};

struct server_reply {
    enum server_reply_kind kind;
    enum server_address from; /* where to send it from: this address, the server's port */
    struct endpoint to;
    size_t size;
    uint8_t data[TEREDO_MAX_SIZE];
    struct wire_fault fault; /* of a packet that is SERVER_DROP_MALFORMED */
};

/* CONFIG is copied; its clients are borrowed. */
void server_init(struct server *server, const struct server_config *config);

/* Processes one datagram. Either SERVER_ACCEPTED with all of REPLY but the fault filled in, or the
 * reason why nothing is to be sent. */
enum server_drop server_process(const struct server *server, const struct server_datagram *datagram,
                                struct server_reply *reply);

/* True for a global unicast address by the list of 5.2.4; with allow_private also for the others
 * that hosts may have. */
bool server_address_usable(const struct server_config *config, uint32_t address);

/* The endpoint of a server at ADDRESS. */
struct endpoint server_endpoint(const struct server_config *config, enum server_address address);

/* The order of struct server_client for qsort: by length, then bytes, of the identifier. */
int server_client_compare(const void *a, const void *b);

#endif
