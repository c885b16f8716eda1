/* The keys under which what captures showed is found again, in one table of bounded size
 * (base/lru_set.h): each packet of a procedure names it by other words, and NATs change some. */
#ifndef ENGINE_PASSIVE_BOOK_H
#define ENGINE_PASSIVE_BOOK_H

#include "endpoint.h"
#include "lru_set.h"
#include "teredo.h"

enum {
    BOOK_KEY_WORDS = 9,
    /* Three or four names a punch, and what is known of clients and servers. */
    BOOK_SIZE = 65536,
};

struct book_key {
    uint32_t words[BOOK_KEY_WORDS];
};

/* A punch, by the two IPv6 addresses of its bubbles, in either order. */
struct book_key book_pair(const struct in6_addr *a, const struct in6_addr *b);

/* A punch, by the initiator's endpoint (inside its NAT, or outside) and the peer's address. */
struct book_key book_endpoint(struct endpoint initiator, const struct in6_addr *peer);

/* A punch, by the nonce trailer of its bubbles, which answers to the initiator repeat. */
struct book_key book_trailer(uint32_t nonce, const struct in6_addr *initiator);

/* A punch, by the way that a bubble of its initiator takes: ICMP errors quote it. */
struct book_key book_way(struct endpoint from, struct endpoint to);

/* A punch, by the initiator's IPv4 address alone, for packets that are seen next to it. */
struct book_key book_host(uint32_t initiator, const struct in6_addr *peer);

/* A client that qualifies, by its endpoint and by the nonce of a solicitation. */
struct book_key book_client(struct endpoint client);
struct book_key book_nonce(const uint8_t nonce[static TEREDO_NONCE_SIZE]);

/* The IPv4 address that the party with this endpoint (a client's mapped one, or a server's) has at
 * VANTAGE, which sees its packets next to it. */
struct book_key book_near(unsigned vantage, struct endpoint party);

/* That VANTAGE has shown a packet between the two hosts, so that no filter hides such. */
struct book_key book_hosts(unsigned vantage, uint32_t a, uint32_t b);

/* The client that has qualified with this mapped endpoint, captured next to it. */
struct book_key book_mapped(struct endpoint mapped);

/* When the server was last heard, in seconds. */
struct book_key book_server(uint32_t server);

#endif
