#include "passive_book.h"

#include <string.h>

/* The last word says what kind of key it is, and holds a small number. */
enum kind {
    KIND_PAIR,
    KIND_ENDPOINT,
    KIND_TRAILER,
    KIND_WAY,
    KIND_HOST,
    KIND_CLIENT,
    KIND_NONCE,
    KIND_NEAR,
    KIND_SERVER,
    KIND_HOSTS,
    KIND_MAPPED,
};

static void put_address(struct book_key *key, unsigned at, const struct in6_addr *address)
{
    memcpy(key->words + at, address, sizeof *address);
}

static struct book_key of_kind(enum kind kind, uint32_t number)
{
    struct book_key key = {.words[BOOK_KEY_WORDS - 1] = (uint32_t)kind << 16 | number};

    return key;
}

struct book_key book_pair(const struct in6_addr *a, const struct in6_addr *b)
{
    struct book_key key = of_kind(KIND_PAIR, 0);
    bool swap = memcmp(a, b, sizeof *a) > 0;

    put_address(&key, 0, swap ? b : a);
    put_address(&key, 4, swap ? a : b);
    return key;
}

struct book_key book_endpoint(struct endpoint initiator, const struct in6_addr *peer)
{
    struct book_key key = of_kind(KIND_ENDPOINT, initiator.port);

    put_address(&key, 0, peer);
    key.words[4] = initiator.address;
    return key;
}

struct book_key book_trailer(uint32_t nonce, const struct in6_addr *initiator)
{
    struct book_key key = of_kind(KIND_TRAILER, 0);

    put_address(&key, 0, initiator);
    key.words[4] = nonce;
    return key;
}

struct book_key book_way(struct endpoint from, struct endpoint to)
{
    struct book_key key = of_kind(KIND_WAY, from.port);

    key.words[0] = from.address;
    key.words[1] = to.address;
    key.words[2] = to.port;
    return key;
}

struct book_key book_host(uint32_t initiator, const struct in6_addr *peer)
{
    struct book_key key = of_kind(KIND_HOST, 0);

    put_address(&key, 0, peer);
    key.words[4] = initiator;
    return key;
}

struct book_key book_client(struct endpoint client)
{
    struct book_key key = of_kind(KIND_CLIENT, client.port);

    key.words[0] = client.address;
    return key;
}

struct book_key book_nonce(const uint8_t nonce[static TEREDO_NONCE_SIZE])
{
    struct book_key key = of_kind(KIND_NONCE, 0);

    memcpy(key.words, nonce, TEREDO_NONCE_SIZE);
    return key;
}

struct book_key book_near(unsigned vantage, struct endpoint party)
{
    struct book_key key = of_kind(KIND_NEAR, party.port);

    key.words[0] = party.address;
    key.words[1] = vantage;
    return key;
}

struct book_key book_hosts(unsigned vantage, uint32_t a, uint32_t b)
{
    struct book_key key = of_kind(KIND_HOSTS, vantage);

    key.words[0] = a < b ? a : b;
    key.words[1] = a < b ? b : a;
    return key;
}

struct book_key book_mapped(struct endpoint mapped)
{
    struct book_key key = of_kind(KIND_MAPPED, mapped.port);

    key.words[0] = mapped.address;
    return key;
}

struct book_key book_server(uint32_t server)
{
    struct book_key key = of_kind(KIND_SERVER, 0);

    key.words[0] = server;
    return key;
}
