/* The classification, with the lifetime or without: whatever happens, it ends, with one verdict
 * that can be told in every vocabulary and rests on no more evidence than there was. */
#include "classify.h"

#include "rig.h"

enum {
    SOCKETS = CLASSIFY_SOCKETS + LIFETIME_PORTS,
    MAX_TIMERS = 20000,
};

static const struct endpoint server = {0xc0000201, TEREDO_PORT};
static const struct endpoint secondary = {0xc0000202, TEREDO_PORT};

static struct {
    unsigned verdicts;
    unsigned long sends, received;
} seen;

static void sending(const struct send_request *send, const struct teredo_packet *p)
{
    (void)p;
    HOLDS(send->to.address != 0);
    seen.sends++;
}

static void receiving(const struct observation *o)
{
    (void)o;
    seen.received++;
}

static void check_verdict(const struct classification *c)
{
    struct punch_prospect prospects[CLASSIFY_PEERS];

    HOLDS(seen.verdicts++ == 0);
    HOLDS(c->evidence_count <= CLASSIFY_EVIDENCE && c->elapsed >= 0 && c->rtt >= 0);
    HOLDS(c->sent <= seen.sends && c->received <= seen.received);
    HOLDS(c->references_answered <= c->references);
    HOLDS(c->error_odds >= 0 && c->error_odds <= 1);
    HOLDS(c->lifetime.at_least <= c->lifetime.at_most);
    for (unsigned i = 0; i < c->evidence_count; i++) {
        const struct classify_evidence *e = &c->evidence[i];

        HOLDS(e->answered <= e->sent && e->port_count <= CLASSIFY_PORTS);
        HOLDS(e->odds >= 0 && e->odds <= 1);
        HOLDS(code_of(&classify_tests, e->test) != NULL &&
              text_of(&classify_proofs, e->proof) != NULL);
    }
    HOLDS(rfc4380_name(c) != NULL && rfc3489_name(c) != NULL && netsh_name(c) != NULL);
    punch_prospects(c, prospects);
}

static void told(const struct event *e)
{
    if (e->kind == EVENT_CLASSIFICATION)
        check_verdict(e->classification);
    else
        HOLDS(seen.verdicts == 0);
}

static void choose_cast(struct rig *g)
{
    const struct endpoint cast[8] = {server,
                                     secondary,
                                     {0xcb00710a, 50001},
                                     {0xcb00710a, 50002},
                                     {0xcb00710b, 50001},
                                     {server.address, 3545},
                                     {0x64400102, 40000},
                                     {0x0a000001, 9}};
    struct teredo_addr teredo = {.prefix = TEREDO_PREFIX, .server = server.address};

    memcpy(g->cast, cast, sizeof cast);
    g->names[0] = teredo_rs_source;
    g->names[1] = teredo_rs_source_cone;
    for (unsigned i = 2; i < 6; i++) {
        teredo.mapped = cast[i];
        teredo_addr_encode(&teredo, &g->names[i]);
    }
    g->names[6] = (struct in6_addr){.s6_addr = {0xfe, 0x80, [8] = 0x80, [15] = 1}};
    g->names[7] = (struct in6_addr){.s6_addr = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct endpoint locals[SOCKETS];
    static struct classify classify;
    static struct lifetime lifetime;
    static struct rig g;
    struct classify_config config;

    for (unsigned i = 0; i < SOCKETS; i++)
        locals[i] = (struct endpoint){0x64400102, (uint16_t)(40000 + i)};
    memset(&seen, 0, sizeof seen);
    memset(&g, 0, sizeof g);
    g.in = reader_of(data, size);
    config = (struct classify_config){
        .server = server,
        .secondary = secondary,
        .local = locals,
        .extra_port = rig_coin(&g) ? 3545 : 0,
        .timeout = (1 + reader_u8(&g.in)) * 20 * NSEC_MS,
        .allow_private = rig_coin(&g),
        .lifetime = rig_coin(&g) ? &lifetime : NULL,
        .lifetime_max = (2 + reader_u8(&g.in) % 16) * NSEC_S,
        .lifetime_resolution = (1 + reader_u8(&g.in) % 30) * NSEC_S,
    };
    config.nonces.key[0] = reader_u8(&g.in);
    choose_cast(&g);
    g.engine = &classify.engine;
    g.local = locals;
    g.sockets = config.lifetime ? SOCKETS : CLASSIFY_SOCKETS;
    g.prompt = rig_coin(&g);
    g.sending = sending;
    g.told = told;
    g.receiving = receiving;
    classify_init(&classify, &config);
    rig_run(&g, MAX_TIMERS);
    HOLDS(seen.verdicts == 1);
    return 0;
}
