/* The server: the input is a configuration, where a packet comes from, and the packet. What is
 * answered goes to whom it concerns and to no forbidden address, is hardly larger than what asked
 * for it, and decodes. */
#include <string.h>

#include "cursor.h"
#include "fuzz.h"
#include "server.h"

static const uint32_t PRIMARY = 0xc0000201, SECONDARY = 0xc0000202;

static void check_reply(const struct server_config *config, struct endpoint from, size_t size,
                        const struct server_reply *reply)
{
    struct teredo_packet p;
    struct teredo_addr to;
    struct wire_fault fault;

    HOLDS(reply->size <= sizeof reply->data);
    HOLDS(teredo_decode(reply->data, reply->size, &p, &fault));
    HOLDS(reply->to.port != 0 && server_address_usable(config, reply->to.address));
    HOLDS(reply->to.address != PRIMARY || reply->to.port != TEREDO_PORT);
    HOLDS(reply->to.address != SECONDARY || reply->to.port != TEREDO_PORT);
    switch (reply->kind) {
    case SERVER_ADVERTISED:
        HOLDS(endpoint_equal(reply->to, from) && p.kind == TEREDO_RA);
        HOLDS(p.has_origin && endpoint_equal(p.origin, from));
        /* An advertisement takes 64 bytes more than the least solicitation. */
        HOLDS(reply->size <= size + 64 + TEREDO_HMAC_SIZE);
        break;
    case SERVER_RELAYED:
        HOLDS(teredo_addr_decode(&p.ip6.destination, &to));
        HOLDS(endpoint_equal(reply->to, to.mapped));
        HOLDS(p.ip6.payload_length == p.payload_size && !p.has_auth);
        HOLDS(reply->size <= size + TEREDO_ORIGIN_SIZE);
        break;
    case SERVER_ECHOED:
        HOLDS(endpoint_equal(reply->to, from) && p.kind == TEREDO_ECHO_REPLY);
        HOLDS(reply->size <= size);
        break;
    case SERVER_REPLY_KINDS:
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t id[] = "demo", secret[] = "secret";
    static const struct server_client client = {id, 4, secret, 6};
    static const uint32_t sources[] = {0xcb007109, 0xc6336414, 0x0a000001, SECONDARY, 0xe0000001};
    static struct server_reply reply;
    struct reader r = reader_of(data, size);
    uint8_t flags = reader_u8(&r), source = reader_u8(&r);
    struct server_config config = {
        .primary = PRIMARY,
        .secondary = SECONDARY,
        .port = TEREDO_PORT,
        .other_port = (flags & 1) != 0 ? 3545 : 0,
        .mtu = TEREDO_MTU,
        .allow_private = (flags & 2) != 0,
        .require_auth = (flags & 4) != 0,
        .clients = &client,
        .client_count = (flags & 8) != 0,
    };
    struct endpoint from = {sources[source % 5], reader_u16(&r)};
    enum server_address at = (flags & 16) != 0 ? SERVER_SECONDARY : SERVER_PRIMARY;
    struct server server;
    size_t left = reader_left(&r);
    enum server_drop drop;
    uint8_t *copy = malloc(left > 0 ? left : 1);

    if (copy == NULL)
        return 0;
    reader_copy(&r, copy, left);
    server_init(&server, &config);
    drop = server_process(&server, &(struct server_datagram){from, at, copy, left}, &reply);
    HOLDS(drop < SERVER_DROP_COUNT &&
          (drop == SERVER_ACCEPTED || code_of(&server_drops, drop) != NULL));
    if (drop == SERVER_ACCEPTED)
        check_reply(&config, from, left, &reply);
    free(copy);
    return 0;
}
