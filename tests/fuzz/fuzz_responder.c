/* The listening client: whatever comes, it tells its qualification once and first, its summary once
 * and last, and ends when its time is over. It sends no more than it is asked for: to peers at most
 * two bubbles for one that came, and echo replies to those who asked, and who may have. */
#include "responder.h"

#include "rig.h"

enum {
    MAX_TIMERS = 1000,
};

static const struct endpoint server = {0xc0000201, TEREDO_PORT};
static const struct endpoint secondary = {0xc0000202, TEREDO_PORT};
static const struct endpoint mapped = {0xcb00710a, 50001};
static const struct endpoint local = {0x64400102, 40001};
static const struct endpoint peer_mapped = {0xc6336414, 40001};

static struct {
    struct in6_addr own;
    bool allow_private;
    unsigned qualifications, summaries, indirect;
    /* Of the packet just delivered. */
    struct endpoint from;
    size_t size;
    bool echo_request;
    unsigned bubbles, echoes;                /* in answer to it */
    struct endpoint expected[RIG_MAX_STEPS]; /* they sent from the endpoint in their address */
    unsigned expected_count;
} seen;

static bool was_expected(struct endpoint e)
{
    for (unsigned i = 0; i < seen.expected_count; i++)
        if (endpoint_equal(seen.expected[i], e))
            return true;
    return false;
}

static void sending(const struct send_request *send, const struct teredo_packet *p)
{
    HOLDS(p != NULL);
    switch (p->kind) {
    case TEREDO_RS:
        HOLDS(endpoint_equal(send->to, server) || endpoint_equal(send->to, secondary));
        break;
    case TEREDO_BUBBLE: {
        /* RFC 4380 5.2.4: never to other than global unicast addresses. */
        HOLDS(seen.allow_private || ip4_is_global_unicast(send->to.address));
        HOLDS(++seen.bubbles <= 3);
        break;
    }
    case TEREDO_ECHO_REPLY:
        HOLDS(seen.echo_request && ++seen.echoes == 1 && send->size <= seen.size);
        HOLDS(endpoint_equal(send->to, seen.from));
        HOLDS(ip6_equal(&p->ip6.source, &seen.own));
        /* An endpoint that was in a peer's address speaks for other addresses as well, and so may
         * one with a proof, which comes through our server. */
        HOLDS(was_expected(send->to) || seen.indirect > 0);
        break;
    case TEREDO_RA:
    case TEREDO_ECHO_REQUEST:
    case TEREDO_ICMP6:
    case TEREDO_DATA:
        abort();
    }
}

static void receiving(const struct observation *o)
{
    struct teredo_addr a;

    seen.from = o->from;
    seen.size = o->size;
    seen.bubbles = seen.echoes = 0;
    seen.echo_request = o->packet != NULL && o->packet->kind == TEREDO_ECHO_REQUEST;
    if (o->packet != NULL && teredo_addr_decode(&o->packet->ip6.source, &a) &&
        endpoint_equal(a.mapped, o->from))
        seen.expected[seen.expected_count++] = o->from;
    seen.indirect += o->packet != NULL && o->packet->kind == TEREDO_BUBBLE &&
                     (endpoint_equal(o->from, server) || endpoint_equal(o->from, secondary));
}

static void told(const struct event *e)
{
    HOLDS(seen.summaries == 0);
    HOLDS((seen.qualifications == 0) == (e->kind == EVENT_QUALIFICATION) ||
          e->kind == EVENT_REJECTED);
    if (e->kind == EVENT_QUALIFICATION) {
        seen.qualifications++;
        seen.own = e->qualification.teredo_address;
    }
    if (e->kind == EVENT_MAPPING_CHANGED)
        seen.own = e->mapping.address;
    if (e->kind == EVENT_LISTENED)
        seen.summaries++;
}

static struct in6_addr address_of(uint32_t server_address, struct endpoint e)
{
    struct teredo_addr a = {
        .prefix = TEREDO_PREFIX, .server = server_address, .flags = 0x0c21, .mapped = e};
    struct in6_addr address;

    teredo_addr_encode(&a, &address);
    return address;
}

static void choose_cast(struct rig *g)
{
    static const struct endpoint private = {0x0a000001, 40001};
    const struct endpoint cast[8] = {server,  secondary,           peer_mapped, {0xc0000281, 3544},
                                     private, {0xc6336414, 40002}, mapped,      {0xcb007163, 9}};
    const struct in6_addr names[8] = {
        address_of(server.address, mapped),
        address_of(0xc0000281, peer_mapped),
        address_of(server.address, mapped),
        address_of(0x0a000001, private),
        teredo_rs_source,
        {.s6_addr = {0xfe, 0x80, [8] = 0x80, [15] = 1}},
        address_of(server.address, cast[5]),
        {.s6_addr = {0xfe, 0x80, [8] = 7, [15] = 9}},
    };

    memcpy(g->cast, cast, sizeof cast);
    memcpy(g->names, names, sizeof names);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct responder responder;
    static struct rig g;
    struct responder_config config;

    memset(&seen, 0, sizeof seen);
    memset(&g, 0, sizeof g);
    g.in = reader_of(data, size);
    seen.allow_private = rig_coin(&g);
    config = (struct responder_config){
        .qualify = {.server = server,
                    .secondary = secondary,
                    .local = local,
                    .timeout = (1 + reader_u8(&g.in)) * 20 * NSEC_MS,
                    .attempts = 1 + reader_u8(&g.in) % QUALIFY_MAX_ATTEMPTS,
                    .flags = 0x0c21,
                    .allow_private = seen.allow_private},
        .refresh_interval = (5 + reader_u8(&g.in) % 30) * NSEC_S,
        .count = reader_u8(&g.in) % 4,
        .duration = (1 + reader_u8(&g.in)) * NSEC_S,
        .allow_private = seen.allow_private,
    };
    config.nonces.key[0] = config.qualify.nonces.key[1] = reader_u8(&g.in);
    choose_cast(&g);
    g.engine = &responder.engine;
    g.local = &local;
    g.sockets = 1;
    g.prompt = rig_coin(&g);
    g.sending = sending;
    g.told = told;
    g.receiving = receiving;
    responder_init(&responder, &config);
    rig_run(&g, MAX_TIMERS);
    HOLDS(seen.qualifications == 1 && seen.summaries == responder.qualified);
    return 0;
}
