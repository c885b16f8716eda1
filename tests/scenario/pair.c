#include "pair.h"

#include <string.h>

const char *const pair_words[WORDS] = {
    "none", "cone", "address-restricted", "port-restricted", "symmetric", "firewall", "blocked"};

static const struct pair_outcome outcomes[] = {
    [OPEN] = {PUNCH_PUNCHED, CAUSE_NONE, "bubbles open both, the peer's endpoint holds"},
    [REMAPPED] = {PUNCH_PUNCHED, CAUSE_PEER_REMAPPED,
                  "the peer answers from a new mapping, which our side lets in, and the nonce "
                  "proves it"},
    [SHUT] = {PUNCH_NOT_PUNCHED, CAUSE_PEER_NAT_SYMMETRIC,
              "the peer's side maps anew for each destination, ours filters by port"},
    [MISLED] = {PUNCH_NOT_PUNCHED, CAUSE_OWN_NAT_SYMMETRIC,
                "our side maps anew for each destination, the peer's filters by port"},
    [ABSENT] = {PUNCH_NOT_PUNCHED, CAUSE_PEER_SILENT,
                "no UDP reaches the peer, though its server lives"},
    [NO_ADDRESS] = {PUNCH_INCONCLUSIVE, CAUSE_OWN_SERVER_SILENT,
                    "no UDP leaves our network, so nothing could be tried"},
};

/* RFC 6081: rows are A's words, columns B's, both in the order of enum word. */
static const enum outcome table[WORDS][WORDS] = {
    [NONE] = {OPEN, OPEN, OPEN, OPEN, REMAPPED, OPEN, ABSENT},
    [CONE] = {OPEN, OPEN, OPEN, OPEN, REMAPPED, OPEN, ABSENT},
    [ADDRESS] = {OPEN, OPEN, OPEN, OPEN, REMAPPED, OPEN, ABSENT},
    [PORT] = {OPEN, OPEN, OPEN, OPEN, SHUT, OPEN, ABSENT},
    [SYMMETRIC] = {OPEN, OPEN, OPEN, MISLED, MISLED, MISLED, ABSENT},
    [FIREWALL] = {OPEN, OPEN, OPEN, OPEN, SHUT, OPEN, ABSENT},
    [BLOCKED] = {NO_ADDRESS, NO_ADDRESS, NO_ADDRESS, NO_ADDRESS, NO_ADDRESS, NO_ADDRESS,
                 NO_ADDRESS},
};

const struct pair_outcome *pair_outcome(enum word a, enum word b)
{
    return &outcomes[table[a][b]];
}

bool pair_can_punch(enum word a, enum word b)
{
    return table[a][b] == OPEN || table[a][b] == REMAPPED;
}

static void on_b(void *context, const struct event *e)
{
    struct run *r = context;

    if (r->tell != NULL)
        r->tell(WORLD_B, e);
    if (e->kind != EVENT_QUALIFICATION)
        return;
    r->b_settled = true;
    r->b_qualified = e->qualification.has_address;
    if (r->b_qualified)
        r->b_address = e->qualification.teredo_address;
}

static void on_a(void *context, const struct event *e)
{
    struct run *r = context;

    if (r->tell != NULL)
        r->tell(WORLD_A, e);
    if (e->kind != EVENT_PUNCHING)
        return;
    r->done = true;
    r->verdicts++;
    r->result = e->punching;
}

static struct qualify_config qualify_config(const struct world *w, enum world_site site)
{
    struct qualify_config c = {
        .server = world_server(site == WORLD_A ? 0 : 1, 0),
        .secondary = world_server(site == WORLD_A ? 0 : 1, 1),
        .local = w->hosts[site].local[0],
        .timeout = 1500 * NSEC_MS,
        .attempts = 3,
        .flags = 0x1234 & TEREDO_FLAGS_RANDOM,
    };

    memcpy(c.nonces.key, &w->config.seed, sizeof w->config.seed);
    c.nonces.key[31] = (uint8_t)(1 + site);
    return c;
}

/* The address of a B whose network has stopped passing UDP since it qualified. */
static struct in6_addr remembered_address(void)
{
    struct teredo_addr a = {.prefix = TEREDO_PREFIX,
                            .server = WORLD_SERVER_2,
                            .flags = 0x2345 & TEREDO_FLAGS_RANDOM,
                            .mapped = world_outside(WORLD_B)};
    struct in6_addr address;

    teredo_addr_encode(&a, &address);
    return address;
}

void pair_settle_b(struct run *r)
{
    struct responder_config c = {.qualify = qualify_config(r->world, WORLD_B),
                                 .refresh_interval = 30 * NSEC_S};

    c.nonces = c.qualify.nonces;
    c.nonces.key[30] = 1;
    r->b_settled = false;
    responder_init(&r->responder, &c);
    world_start(r->world, WORLD_B, &r->responder.engine, on_b, r);
    world_run(r->world, &r->b_settled, r->world->now + 10 * NSEC_S);
}

void pair_trace_b(struct run *r, unsigned attempts)
{
    struct trace_config c = {
        .qualify = qualify_config(r->world, WORLD_A),
        .punch = {.peer = r->b_address,
                  .attempts = attempts,
                  .reference_ttl = 2,
                  .server_port = TEREDO_PORT},
    };

    c.punch.nonces = c.qualify.nonces;
    c.punch.nonces.key[30] = 2;
    trace_init(&r->trace, &c);
    world_start(r->world, WORLD_A, &r->trace.engine, on_a, r);
    world_run(r->world, &r->done, r->world->now + 60 * NSEC_S);
}

bool pair_run(struct run *r, const struct world_config *config, unsigned attempts)
{
    r->world = world_new(config);
    r->b_qualified = r->done = false;
    r->verdicts = 0;
    r->b_address = remembered_address();
    for (int i = 0; i < 5 && !r->b_qualified; i++)
        pair_settle_b(r);
    if (!r->b_qualified && strcmp(config->nat[1], "blocked") != 0)
        return false;
    pair_trace_b(r, attempts);
    return true;
}

struct world_config pair_calm(enum word a, enum word b)
{
    struct world_config c = {.nat = {pair_words[a], pair_words[b]}, .seed = 1 + WORDS * a + b};

    for (int i = 0; i < WORLD_SITES; i++)
        c.leg[i].delay = 12500 * NSEC_US;
    return c;
}

const struct weather pair_weathers[WEATHERS] = {
    {"20 % of loss on each host's leg each way",
     {.delay = 12500 * NSEC_US, .loss = 0.2},
     {.delay = 12500 * NSEC_US}},
    {"20 % of loss, jitter, reordering and duplicates",
     {.delay = 12500 * NSEC_US,
      .jitter = 40 * NSEC_MS,
      .loss = 0.2,
      .duplicate = 0.2,
      .reorder = 0.2},
     {.delay = 12500 * NSEC_US, .jitter = 20 * NSEC_MS, .duplicate = 0.1}},
    {"jitter, reordering and duplicates without loss",
     {.delay = 12500 * NSEC_US, .jitter = 150 * NSEC_MS, .duplicate = 0.5, .reorder = 0.3},
     {.delay = 12500 * NSEC_US, .jitter = 150 * NSEC_MS, .duplicate = 0.5, .reorder = 0.3}},
};
