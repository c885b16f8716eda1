#include "server.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"

struct endpoint server_endpoint(const struct server_config *config, enum server_address address)
{
    return (struct endpoint){address == SERVER_PRIMARY ? config->primary : config->secondary,
                             config->port};
}

bool server_address_usable(const struct server_config *config, uint32_t address)
{
    if (ip4_is_global_unicast(address))
        return true;
    /* Even a private internet has no hosts in 0.0.0.0/8, multicast and broadcast. */
    return config->allow_private && address >> 24 != 0 && address < 0xe0000000;
}

bool server_limit_take(struct server_limit *limit, uint32_t address, nsec now)
{
    _Atomic nsec *bucket = &limit->spent[hash_mix(limit->key, address) % SERVER_BUCKETS];
    nsec found = atomic_load_explicit(bucket, memory_order_relaxed), spent;

    if (limit->rate.interval == 0)
        return true;
    do {
        spent = found;
        if (!rate_take(limit->rate, &spent, now))
            return false;
    } while (!atomic_compare_exchange_weak_explicit(bucket, &found, spent, memory_order_relaxed,
                                                    memory_order_relaxed));
    return true;
}

static bool is_own_endpoint(const struct server_config *config, struct endpoint e)
{
    return (e.port == config->port || (e.port == config->other_port && e.port != 0)) &&
           (e.address == config->primary || e.address == config->secondary);
}

/* Blocks that pass the list of 5.2.4, which is older than some of them, and where no client is:
 * shared (RFC 6598), of benchmarks (RFC 2544), of the protocols, and 240.0.0.0/4. */
static bool is_reserved(uint32_t address)
{
    return address >> 22 == 0x64400000 >> 22 || address >> 17 == 0xc6120000 >> 17 ||
           address >> 8 == 0xc0000000 >> 8 || address >> 28 == 0xf;
}

static bool host_has(const struct server_config *config, uint32_t address)
{
    for (size_t i = 0; i < config->host_count; i++)
        if (config->host[i] == address)
            return true;
    return false;
}

/* Where a packet may not be relayed to; SERVER_ACCEPTED = it may. */
static enum server_drop check_target(const struct server_config *config, struct endpoint from,
                                     struct endpoint target)
{
    if (!server_address_usable(config, target.address))
        return SERVER_DROP_TARGET_NOT_GLOBAL;
    if (target.port == 0)
        return SERVER_DROP_TARGET_PORT_ZERO;
    if (is_own_endpoint(config, target))
        return SERVER_DROP_TARGET_IS_SERVER;
    /* No NAT gives a client such a port, and a service there may answer to anything. */
    if (target.port < 1024)
        return SERVER_DROP_TARGET_PORT_LOW;
    if (config->allow_private)
        return SERVER_ACCEPTED;
    if (is_reserved(target.address))
        return SERVER_DROP_TARGET_RESERVED;
    /* A client on this host may have packets to itself relayed; from elsewhere no system lets in
     * what claims to come from one of its own addresses. */
    return host_has(config, target.address) && !host_has(config, from.address)
               ? SERVER_DROP_TARGET_IS_HOST
               : SERVER_ACCEPTED;
}

/* Teredo addresses of the old prefix are native ones to a server of today. */
static bool service_address(const struct in6_addr *address, struct teredo_addr *out)
{
    return teredo_addr_decode(address, out) && out->prefix == TEREDO_PREFIX;
}

/* Where in the advertisement what differs between clients is. */
enum {
    DESTINATION_OFFSET = 24,
    CHECKSUM_OFFSET = IP6_HEADER_SIZE + 2,
};

void server_init(struct server *server, const struct server_config *config)
{
    static const struct in6_addr nobody = IN6ADDR_ANY_INIT;
    struct writer w = writer_of(server->ra_check, sizeof server->ra_check);
    uint8_t body[TEREDO_RA_SIZE];
    struct teredo_packet ra;

    server->config = *config;
    server->link_local =
        teredo_link_local(TEREDO_FLAG_CONE, (struct endpoint){config->primary, config->port});
    teredo_make_ra(&ra, &server->link_local, &nobody,
                   (struct teredo_advertised){config->primary, config->mtu}, body);
    teredo_encode(&w, &ra);
    server->ra_checksum = ra.icmp6.checksum;
}

/* The advertisement to DESTINATION: the checksum of the one to :: plus what the address adds. */
static void put_advert(struct writer *w, const struct server *server,
                       const struct in6_addr *destination)
{
    size_t start = w->size;
    uint32_t sum = (uint16_t)~server->ra_checksum;

    writer_bytes(w, server->ra_check, DESTINATION_OFFSET);
    writer_bytes(w, destination, sizeof *destination);
    writer_bytes(w, server->ra_check + IP6_HEADER_SIZE, TEREDO_RA_SIZE);
    writer_patch_u16(w, start + CHECKSUM_OFFSET,
                     checksum_finish(checksum_add(sum, destination, sizeof *destination)));
}

int server_client_compare(const void *a, const void *b)
{
    const struct server_client *x = a, *y = b;

    if (x->id_size != y->id_size)
        return x->id_size < y->id_size ? -1 : 1;
    return memcmp(x->id, y->id, x->id_size);
}

static const struct server_client *find_client(const struct server_config *config,
                                               const struct teredo_auth *auth)
{
    struct server_client key = {.id = auth->client_id, .id_size = auth->client_id_size};

    if (config->client_count == 0)
        return NULL;
    return bsearch(&key, config->clients, config->client_count, sizeof key, server_client_compare);
}

/* Rule 4's second half and 5.2.2. *CLIENT is whose secret signs the answer, NULL for nobody's. */
static enum server_drop authenticate(const struct server_config *config,
                                     const struct teredo_packet *p,
                                     const struct server_client **client)
{
    *client = NULL;
    if (!p->has_auth || p->auth.client_id_size == 0) {
        /* Nonce protection alone; a value that nobody's secret made can only be wrong. */
        if (p->has_auth && p->auth.value_size > 0)
            return SERVER_DROP_AUTH_VALUE;
        return config->require_auth ? SERVER_DROP_AUTH_MISSING : SERVER_ACCEPTED;
    }
    /* A client that names itself discards an unsigned answer (5.2.2): without its secret there is
     * nothing to say to it, required or not. */
    *client = find_client(config, &p->auth);
    if (*client == NULL)
        return SERVER_DROP_AUTH_UNKNOWN_CLIENT;
    if (!teredo_auth_verify((*client)->secret, (*client)->secret_size, p))
        return SERVER_DROP_AUTH_VALUE;
    return SERVER_ACCEPTED;
}

static enum server_drop finish(struct server_reply *reply, enum server_reply_kind kind,
                               enum server_address from, struct endpoint to, struct writer *w)
{
    reply->kind = kind;
    reply->from = from;
    reply->to = to;
    reply->size = w->size;
    return w->failed ? SERVER_DROP_TOO_LARGE : SERVER_ACCEPTED;
}

/* Fills in the authentication value of an answer whose authentication header has room for it. */
static void sign(uint8_t *data, size_t size, const struct server_client *client)
{
    struct teredo_packet p;
    struct wire_fault fault;

    /* The value stands behind marks, lengths and identifier. */
    if (teredo_decode(data, size, &p, &fault))
        teredo_auth_value(client->secret, client->secret_size, &p, data + 4 + client->id_size);
}

/* Processing of router solicitations (5.3.2). */
static enum server_drop advertise(const struct server *server, struct endpoint from,
                                  enum server_address at, const struct teredo_packet *rs,
                                  struct server_reply *reply)
{
    const struct server_client *client;
    struct writer w = writer_of(reply->data, sizeof reply->data);
    enum server_drop drop;

    if (rs->ip6.hop_limit != 255)
        return SERVER_DROP_RS_HOP_LIMIT;
    if (rs->icmp6.code != 0)
        return SERVER_DROP_RS_MALFORMED;
    drop = authenticate(&server->config, rs, &client);
    if (drop != SERVER_ACCEPTED)
        return drop;

    if (rs->has_auth) {
        /* The identifier and the nonce received; room for a value. */
        struct teredo_auth auth = rs->auth;

        auth.confirmation = 0;
        teredo_put_auth(&w, &auth);
    }
    teredo_put_origin(&w, from);
    put_advert(&w, server, &rs->ip6.source);
    if (client != NULL)
        sign(reply->data, w.size, client);
    if ((rs->ip6.source.s6_addr[8] & TEREDO_FLAG_CONE >> 8) != 0)
        at = at == SERVER_PRIMARY ? SERVER_SECONDARY : SERVER_PRIMARY;
    return finish(reply, SERVER_ADVERTISED, at, from, &w);
}

/* The same bytes back to where they came from, never more. */
static enum server_drop echo(const struct server *server, struct endpoint from,
                             enum server_address at, const struct teredo_packet *request,
                             struct server_reply *reply)
{
    uint8_t body[TEREDO_MAX_SIZE];
    struct writer w = writer_of(reply->data, sizeof reply->data);
    struct teredo_packet p;

    if (request->icmp6.echo.size > sizeof body - 8)
        return SERVER_DROP_TOO_LARGE;
    teredo_make_echo(&p, &server->link_local, &request->ip6.source,
                     &(struct teredo_echo){ICMP6_TYPE_ECHO_REPLY, request->icmp6.echo.id,
                                           request->icmp6.echo.sequence, request->icmp6.echo.data,
                                           request->icmp6.echo.size},
                     body);
    teredo_encode(&w, &p);
    return finish(reply, SERVER_ECHOED, at, from, &w);
}

static enum server_drop process_locally(const struct server *server, struct endpoint from,
                                        enum server_address at, const struct teredo_packet *p,
                                        struct server_reply *reply)
{
    if (p->kind == TEREDO_RS)
        return advertise(server, from, at, p, reply);
    if (p->kind == TEREDO_ECHO_REQUEST && p->icmp6.code == 0)
        return echo(server, from, at, p, reply);
    return SERVER_DROP_NOT_FOR_SERVER;
}

/* Encapsulates the IPv6 packet in a new datagram (end of 5.3.1): the packet and its trailers as
 * they came, hop limit included, since miredo's bubbles have 0 and the section asks for no change.
 * What came before it (an authentication, an origin that nobody vouches for) and bytes behind it
 * that are no trailer stay here. */
static enum server_drop relay(const struct server *server, const struct server_datagram *datagram,
                              const struct teredo_packet *p, const struct teredo_addr *target,
                              struct server_reply *reply)
{
    struct writer w = writer_of(reply->data, sizeof reply->data);
    enum server_drop drop = check_target(&server->config, datagram->from, target->mapped);

    if (p->kind != TEREDO_BUBBLE && p->kind != TEREDO_ECHO_REQUEST && p->kind != TEREDO_ECHO_REPLY)
        return SERVER_DROP_NOT_RELAYED;
    if (drop != SERVER_ACCEPTED)
        return drop;
    if (target->server == server->config.primary)
        teredo_put_origin(&w, datagram->from);
    writer_bytes(&w, datagram->data + p->ip6_offset, datagram->size - p->junk_size - p->ip6_offset);
    return finish(reply, SERVER_RELAYED, SERVER_PRIMARY, target->mapped, &w);
}

/* True for addresses that no router may forward from (RFC 4291 2.5.2, 2.5.3, 2.7). A link-local
 * source is for the link alone (2.5.6), which is what a bubble is for: miredo's have one. */
static bool source_invalid(const struct teredo_packet *p)
{
    const struct in6_addr *a = &p->ip6.source;

    return IN6_IS_ADDR_UNSPECIFIED(a) || IN6_IS_ADDR_LOOPBACK(a) || IN6_IS_ADDR_MULTICAST(a) ||
           (IN6_IS_ADDR_LINKLOCAL(a) && p->kind != TEREDO_BUBBLE);
}

static bool destination_is_global(const struct in6_addr *a)
{
    return !IN6_IS_ADDR_UNSPECIFIED(a) && !IN6_IS_ADDR_LOOPBACK(a) && !IN6_IS_ADDR_LINKLOCAL(a) &&
           !IN6_IS_ADDR_SITELOCAL(a) && !IN6_IS_ADDR_MULTICAST(a);
}

enum server_drop server_process(const struct server *server, const struct server_datagram *datagram,
                                struct server_reply *reply)
{
    struct endpoint from = datagram->from;
    struct teredo_packet p;
    struct teredo_addr source, target;
    bool has_target;

    if (datagram->size > TEREDO_MAX_SIZE)
        return SERVER_DROP_TOO_LARGE;
    if (!teredo_decode(datagram->data, datagram->size, &p, &reply->fault)) /* rule 1 */
        return reply->fault.reason == WIRE_TRAILER_MUST_DISCARD ? SERVER_DROP_TRAILER
                                                                : SERVER_DROP_MALFORMED;
    if (IP6_HEADER_SIZE + p.payload_size > server->config.mtu)
        return SERVER_DROP_TOO_LARGE;
    if (p.kind == TEREDO_DATA) /* rule 2 */
        return SERVER_DROP_NOT_BUBBLE_OR_ICMP6;
    if (!server_address_usable(&server->config, from.address)) /* rule 3 */
        return SERVER_DROP_SOURCE_NOT_GLOBAL;
    if (from.port == 0)
        return SERVER_DROP_SOURCE_PORT_ZERO;
    if (is_own_endpoint(&server->config, from))
        return SERVER_DROP_SOURCE_IS_SERVER;

    if (p.kind == TEREDO_RS && ip6_is_link_local(&p.ip6.source) &&
        ip6_is_all_routers(&p.ip6.destination)) /* rule 4 */
        return advertise(server, from, datagram->at, &p, reply);
    has_target = service_address(&p.ip6.destination, &target);
    if (service_address(&p.ip6.source, &source)) { /* rule 5 */
        if (!endpoint_equal(source.mapped, from))
            return SERVER_DROP_SOURCE_MISMATCH;
    } else { /* rules 6 and 7 */
        if (!has_target || target.server != server->config.primary)
            return SERVER_DROP_NOT_OUR_CLIENT;
        if (source_invalid(&p))
            return SERVER_DROP_IP6_SOURCE_INVALID;
    }

    if (ip6_is_all_routers(&p.ip6.destination) ||
        ip6_equal(&p.ip6.destination, &server->link_local))
        return process_locally(server, from, datagram->at, &p, reply);
    if (!destination_is_global(&p.ip6.destination))
        return SERVER_DROP_DESTINATION_NOT_GLOBAL;
    if (!has_target)
        return SERVER_DROP_NO_IP6_ROUTE;
    return relay(server, datagram, &p, &target, reply);
}
