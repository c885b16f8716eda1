#include "world.h"

#include <stdlib.h>
#include <string.h>

/* The NAT takes one from the time to live, the core another. */
#define CORE_TTL 2
#define DEFAULT_TTL 64

static void push_delayed(struct world *w, const struct world_packet *p)
{
    unsigned i = (unsigned)w->flying.count;
    struct world_packet *copy;

    if (i == WORLD_IN_FLIGHT) {
        w->overflow++;
        return;
    }
    copy = &w->packets[w->unused[WORLD_IN_FLIGHT - 1 - i]];
    /* Only what is in use of the bytes. */
    memcpy(copy, p, offsetof(struct world_packet, bytes) + p->size);
    copy->due = (struct heap_item){0};
    heap_set(&w->flying, &copy->due, p->when);
}

static void pop_delayed(struct world *w, struct world_packet *out)
{
    struct world_packet *first = (struct world_packet *)heap_first(&w->flying);

    memcpy(out, first, offsetof(struct world_packet, bytes) + first->size);
    heap_remove(&w->flying, &first->due);
    w->unused[WORLD_IN_FLIGHT - 1 - w->flying.count] = (uint16_t)(first - w->packets);
}

/* Sends a copy or two, or none, along a leg. */
static void travel(struct world *w, struct world_packet *p, const struct world_leg *leg)
{
    unsigned copies = 1;
    nsec start = w->now;

    if (leg->duplicate > 0 && prng_unit(&w->random) < leg->duplicate)
        copies = 2;
    for (; copies > 0; copies--) {
        if (leg->loss > 0 && prng_unit(&w->random) < leg->loss)
            continue;
        p->when = start + leg->delay;
        if (leg->jitter > 0)
            p->when += (nsec)(prng_unit(&w->random) * (double)leg->jitter);
        if (leg->reorder > 0 && prng_unit(&w->random) < leg->reorder)
            p->when += leg->delay;
        push_delayed(w, p);
    }
}

static enum world_site site_of(uint32_t address)
{
    if (address - WORLD_OUTSIDE_A < NAT_POOL_MAX)
        return WORLD_A;
    if (address - WORLD_OUTSIDE_B < NAT_POOL_MAX)
        return WORLD_B;
    if (address == WORLD_SERVER_1 || address == (uint32_t)WORLD_SERVER_1 + 1)
        return WORLD_S1;
    if (address == WORLD_SERVER_2 || address == (uint32_t)WORLD_SERVER_2 + 1)
        return WORLD_S2;
    return WORLD_SITES;
}

static bool is_secondary(uint32_t address)
{
    return address == (uint32_t)WORLD_SERVER_1 + 1 || address == (uint32_t)WORLD_SERVER_2 + 1;
}

static void depart(struct world *w, struct world_packet *p, enum world_site from, uint32_t towards)
{
    if (w->config.secondary_loss > 0 &&
        (is_secondary(p->from.address) || is_secondary(p->to.address)) &&
        prng_unit(&w->random) < w->config.secondary_loss)
        return;
    p->from_site = from;
    p->to_site = site_of(towards);
    if (p->to_site == WORLD_SITES)
        return;
    p->at_core = true;
    travel(w, p, &w->config.leg[from]);
}

/* An error about *ABOUT goes back to where that came from. */
static void send_icmp(struct world *w, const struct world_packet *about, enum world_site from,
                      uint8_t type, uint8_t code, uint32_t reporter)
{
    struct world_packet p;

    memset(&p, 0, offsetof(struct world_packet, bytes));
    p.is_icmp = true;
    p.icmp = (struct icmp_error){.type = type, .code = code, .reporter = reporter};
    p.from = about->from;
    p.to = about->to;
    p.ttl = DEFAULT_TTL;
    if (from == WORLD_SITES) { /* the core itself: only the last leg is left */
        p.to_site = site_of(about->from.address);
        travel(w, &p, &w->config.leg[p.to_site]);
    } else {
        depart(w, &p, from, about->from.address);
    }
}

/* Shows P, whose ends are as they are at POINT, after HOPS routers. */
static void show(const struct world *w, enum world_point point, const struct world_packet *p,
                 struct endpoint from, struct endpoint to, unsigned hops)
{
    struct world_sight s = {
        .point = point,
        .when = w->now,
        .from = from,
        .to = to,
        .ttl = (uint8_t)(p->ttl - hops),
        .is_icmp = p->is_icmp,
        .icmp = p->icmp,
        .bytes = p->bytes,
        .size = p->size,
    };

    if (w->config.watch != NULL)
        w->config.watch(w->config.watch_context, &s);
}

/* The trip that packets between these two come by, or NULL. */
static const struct world_trip *find_trip(const struct world *w, enum world_site site,
                                          struct endpoint external, struct endpoint remote)
{
    for (unsigned i = 0; i < w->trip_count[site]; i++) {
        const struct world_trip *t = &w->trips[site][i];

        if (endpoint_equal(t->from, remote) && t->external.address == external.address &&
            (t->external.port == external.port || t->anew == external.port))
            return t;
    }
    return NULL;
}

static void trip(struct world *w, enum world_site site, struct endpoint external,
                 struct endpoint from)
{
    unsigned count = w->trip_count[site];

    if (count == WORLD_TRIPS || find_trip(w, site, external, from) != NULL)
        return;
    w->trips[site][count] = (struct world_trip){external, from, (uint16_t)(60000 + count)};
    w->trip_count[site]++;
}

static struct observation make_observation(enum observation_kind kind, nsec when)
{
    return (struct observation){.kind = kind, .when = when};
}

static void host_sends(struct world *w, enum world_site site, const struct send_request *send)
{
    struct world_host *h = &w->hosts[site];
    struct observation o = make_observation(OBSERVED_SENT, w->now);
    struct teredo_packet packet;
    const struct world_trip *tripped;
    struct world_packet p;
    struct nat_result result;

    o.socket = send->socket;
    o.tag = send->tag;
    o.from = h->local[send->socket];
    o.to = send->to;
    o.size = send->size;
    if (teredo_decode(send->bytes, send->size, &packet, &o.fault))
        o.packet = &packet;
    h->sent++;
    engine_observe(h->engine, &o, &h->outbox);

    memset(&p, 0, offsetof(struct world_packet, bytes));
    p.ttl = send->ttl == 0 ? DEFAULT_TTL : send->ttl;
    p.size = send->size;
    memcpy(p.bytes, send->bytes, send->size);
    show(w, site == WORLD_A ? WORLD_HOST_A : WORLD_HOST_B, &p, o.from, o.to, 0);
    nat_outbound(h->nat, w->now, o.from, o.to, &result);
    p.from = result.from;
    tripped = find_trip(w, site, result.from, result.to);
    if (tripped != NULL)
        p.from.port = tripped->anew;
    p.to = result.to;
    if (result.verdict == NAT_HAIRPIN) {
        p.hairpinned = true;
        p.to_site = site;
        p.when = w->now;
        push_delayed(w, &p);
        return;
    }
    if (result.verdict != NAT_OUT)
        return;
    show(w, site == WORLD_A ? WORLD_WAN_A : WORLD_WAN_B, &p, p.from, p.to, 1);
    depart(w, &p, site, result.to.address);
}

static void take_send(struct outbox *outbox, const struct send_request *request)
{
    send_queue_add(&((struct world_host *)outbox)->sends, request);
}

static void take_event(struct outbox *outbox, const struct event *event)
{
    const struct world_host *h = (const struct world_host *)outbox;

    if (h->emit != NULL)
        h->emit(h->emit_context, event);
}

static void take_end(struct outbox *outbox)
{
    ((struct world_host *)outbox)->done = true;
}

static void tell_host(struct world *w, enum world_site site, const struct observation *o)
{
    struct world_host *h = &w->hosts[site];

    struct queued_send *s;

    if (h->engine == NULL || h->done)
        return;
    engine_observe(h->engine, o, &h->outbox);
    while ((s = send_queue_take(&h->sends)) != NULL) {
        host_sends(w, site, &s->request);
        free(s);
    }
}

static bool find_socket(const struct world_host *h, struct endpoint local, unsigned *socket)
{
    for (*socket = 0; *socket < WORLD_SOCKETS; ++*socket)
        if (endpoint_equal(h->local[*socket], local))
            return true;
    return false;
}

static void deliver(struct world *w, enum world_site site, struct endpoint from, struct endpoint to,
                    const uint8_t *bytes, size_t size)
{
    struct world_host *h = &w->hosts[site];
    struct observation o = make_observation(OBSERVED_RECEIVED, w->now);
    struct teredo_packet packet;

    if (!find_socket(h, to, &o.socket))
        return;
    o.from = from;
    o.to = to;
    o.size = size;
    if (teredo_decode(bytes, size, &packet, &o.fault))
        o.packet = &packet;
    h->received++;
    tell_host(w, site, &o);
}

static void arrive_at_host(struct world *w, const struct world_packet *p)
{
    struct world_host *h = &w->hosts[p->to_site];
    struct observation o = make_observation(OBSERVED_ICMP_ERROR, w->now);
    enum world_point outside = p->to_site == WORLD_A ? WORLD_WAN_A : WORLD_WAN_B;
    enum world_point inside = p->to_site == WORLD_A ? WORLD_HOST_A : WORLD_HOST_B;
    const struct world_trip *tripped;
    struct endpoint to;
    /* A host's packet has passed its NAT and the core, a server's the core alone. */
    unsigned hops = p->from_site <= WORLD_B ? 2 : 1;
    struct nat_result result;

    show(w, outside, p, p->from, p->to, hops);
    if (p->is_icmp) {
        if (!nat_error_inbound(h->nat, w->now, p->from, p->to, &o.from))
            return;
        o.to = p->to;
        o.icmp = p->icmp;
        o.quotes_sent = true;
        show(w, inside, p, o.from, o.to, hops + 1);
        if (find_socket(h, o.from, &o.socket))
            tell_host(w, p->to_site, &o);
        return;
    }
    to = p->to;
    tripped = find_trip(w, p->to_site, to, p->from);
    if (tripped != NULL && tripped->anew != to.port)
        return; /* the NAT's own state has it */
    if (tripped != NULL)
        to = tripped->external;
    nat_inbound(h->nat, w->now, p->from, to, &result);
    if (result.verdict != NAT_IN) {
        if (w->config.trips[p->to_site])
            trip(w, p->to_site, to, p->from);
        return;
    }
    show(w, inside, p, result.from, result.to, hops + 1);
    deliver(w, p->to_site, result.from, result.to, p->bytes, p->size);
}

static void arrive_at_server(struct world *w, const struct world_packet *p)
{
    unsigned index = p->to_site == WORLD_S2;
    uint32_t primary = world_server(index, 0).address;
    unsigned at = p->to.address == primary ? 0 : 1;
    enum world_service service = w->config.service[index][at];
    const struct server *server = &w->servers[index];
    enum world_point point = index == 0 ? WORLD_AT_S1 : WORLD_AT_S2;
    struct server_datagram datagram = {p->from, at == 0 ? SERVER_PRIMARY : SERVER_SECONDARY,
                                       p->bytes, p->size};
    struct server_reply reply;
    struct world_packet out;

    show(w, point, p, p->from, p->to, p->from_site <= WORLD_B ? 2 : 1);
    if (p->is_icmp || service == WORLD_SILENT)
        return;
    if (w->config.no_extra == WORLD_SILENT && p->to.port == w->config.extra_port)
        return;
    if (w->config.extra_port != 0 && p->to.port == w->config.extra_port &&
        w->config.no_extra == WORLD_SERVES)
        server = &w->extra[index];
    else if (service == WORLD_CLOSED || p->to.port != TEREDO_PORT) {
        send_icmp(w, p, p->to_site, 3, 3, p->to.address);
        return;
    }
    if (server_process(server, &datagram, &reply) != SERVER_ACCEPTED)
        return;
    if (service >= WORLD_ADVERTISES && service != WORLD_NO_CONE && service != WORLD_SAME_CONE &&
        reply.kind != SERVER_ADVERTISED)
        return;
    if (reply.kind == SERVER_ADVERTISED && (int)reply.from != (int)at) {
        if (service == WORLD_NO_CONE || service == WORLD_NO_CONE_ADVERTISES)
            return;
        if (service == WORLD_SAME_CONE || service == WORLD_SAME_ADVERTISES)
            reply.from = (enum server_address)at;
    } else if (service == WORLD_CROSSWISE) {
        reply.from = at == 0 ? SERVER_SECONDARY : SERVER_PRIMARY;
    }
    if (w->config.tamper != NULL &&
        !w->config.tamper(w->config.tamper_context, reply.kind, reply.data, &reply.size))
        return;
    memset(&out, 0, offsetof(struct world_packet, bytes));
    out.from = world_server(index, reply.from == SERVER_PRIMARY ? 0 : 1);
    out.from.port = server->config.port;
    out.to = reply.to;
    out.ttl = DEFAULT_TTL;
    out.size = reply.size;
    memcpy(out.bytes, reply.data, reply.size);
    show(w, point, &out, out.from, out.to, 0);
    depart(w, &out, p->to_site, reply.to.address);
}

static void pass_core(struct world *w, struct world_packet *p)
{
    if (p->ttl <= CORE_TTL) {
        if (!p->is_icmp)
            send_icmp(w, p, WORLD_SITES, 11, 0, 0xc6336401);
        return;
    }
    p->at_core = false;
    travel(w, p, &w->config.leg[p->to_site]);
}

static void handle_delayed(struct world *w)
{
    struct world_packet p;

    pop_delayed(w, &p);
    w->now = p.when;
    if (p.hairpinned)
        deliver(w, p.to_site, p.from, p.to, p.bytes, p.size);
    else if (p.at_core)
        pass_core(w, &p);
    else if (p.to_site <= WORLD_B)
        arrive_at_host(w, &p);
    else
        arrive_at_server(w, &p);
}

/* The host whose timer is due first, if before LIMIT. */
static bool next_timer(const struct world *w, nsec limit, enum world_site *site, nsec *when)
{
    bool found = false;

    for (int i = 0; i < 2; i++) {
        const struct world_host *h = &w->hosts[i];
        nsec deadline;

        if (h->engine == NULL || h->done)
            continue;
        deadline = engine_deadline(h->engine);
        if (deadline < limit) {
            limit = deadline;
            *site = (enum world_site)i;
            *when = deadline;
            found = true;
        }
    }
    return found;
}

bool world_run(struct world *w, const bool *done, nsec until)
{
    while (!*done) {
        nsec arrival = heap_when(&w->flying);
        enum world_site site = WORLD_A;
        nsec timer;

        if (w->events++ == WORLD_EVENTS) {
            w->overflow++;
            break;
        }
        /* A packet comes before the timer of the same instant. */
        if (next_timer(w, nsec_min(arrival, until), &site, &timer)) {
            struct observation o;

            w->now = nsec_max(w->now, timer);
            o = make_observation(OBSERVED_TIMER, w->now);
            tell_host(w, site, &o);
        } else if (arrival < until) {
            handle_delayed(w);
        } else {
            w->now = nsec_max(w->now, until);
            break;
        }
    }
    return *done;
}

static struct nat *make_nat(const char *word, uint32_t outside, uint64_t seed)
{
    struct nat_config config;
    struct error error;
    struct nat *nat;

    if (nat_config_parse(word, &config, &error) != 0)
        abort();
    for (unsigned i = 0; i < NAT_POOL_MAX; i++)
        config.external[i] = outside + i;
    config.max_mappings = 256;
    config.seed = seed;
    nat = nat_new(&config);
    if (nat == NULL)
        abort();
    return nat;
}

static bool translates(const char *word)
{
    struct nat_config config;
    struct error error;

    return nat_config_parse(word, &config, &error) == 0 && config.kind == NAT_KIND_TRANSLATOR &&
           !config.block_udp;
}

/* Neighbours first, for the traps of a NAT that takes the next port; the others where no mapping of
 * a neighbour comes in their way. */
uint16_t world_port(unsigned socket)
{
    return (uint16_t)(socket < 2 ? WORLD_PORT + 2 * socket : 30000 + 101 * socket);
}

bool world_is_public(const struct world *w, enum world_site site)
{
    return !translates(w->config.nat[site]);
}

struct world *world_new(const struct world_config *config)
{
    struct world *w = malloc(sizeof *w);

    if (w == NULL)
        abort();
    /* The packets' room need not be cleared. */
    memset(w, 0, offsetof(struct world, packets));
    w->overflow = 0;
    w->flying = (struct heap){0};
    if (!heap_reserve(&w->flying, WORLD_IN_FLIGHT))
        abort();
    w->events = 0;
    for (unsigned i = 0; i < WORLD_IN_FLIGHT; i++)
        w->unused[i] = (uint16_t)i;
    w->config = *config;
    w->now = WORLD_EPOCH;
    w->random.state = config->seed;
    for (unsigned i = 0; i < 2; i++) {
        struct world_host *h = &w->hosts[i];
        uint32_t outside = i == 0 ? WORLD_OUTSIDE_A : WORLD_OUTSIDE_B;
        uint32_t inside = i == 0 ? WORLD_INSIDE_A : WORLD_INSIDE_B;
        struct server_config server = {.primary = world_server(i, 0).address,
                                       .secondary = world_server(i, 1).address,
                                       .port = TEREDO_PORT,
                                       .mtu = TEREDO_MTU};

        h->nat = make_nat(config->nat[i], outside, prng_next(&w->random));
        for (unsigned s = 0; s < WORLD_SOCKETS; s++)
            h->local[s] =
                (struct endpoint){translates(config->nat[i]) ? inside : outside, world_port(s)};
        server.other_port = config->extra_port;
        server_init(&w->servers[i], &server);
        server.port = config->extra_port;
        server.other_port = TEREDO_PORT;
        server_init(&w->extra[i], &server);
    }
    return w;
}

void world_free(struct world *w)
{
    nat_free(w->hosts[0].nat);
    nat_free(w->hosts[1].nat);
    heap_free(&w->flying);
    free(w);
}

struct endpoint world_outside(enum world_site site)
{
    return (struct endpoint){site == WORLD_A ? WORLD_OUTSIDE_A : WORLD_OUTSIDE_B, WORLD_PORT};
}

struct endpoint world_server(unsigned server, unsigned address)
{
    return (struct endpoint){(server == 0 ? WORLD_SERVER_1 : WORLD_SERVER_2) + address,
                             TEREDO_PORT};
}

void world_start(struct world *w, enum world_site site, struct engine *engine,
                 void (*emit)(void *context, const struct event *event), void *context)
{
    struct world_host *h = &w->hosts[site];
    struct observation o = make_observation(OBSERVED_TIMER, w->now);

    h->outbox = (struct outbox){take_send, take_event, take_end};
    h->engine = engine;
    h->emit = emit;
    h->emit_context = context;
    h->done = false;
    tell_host(w, site, &o);
}

void world_stop(struct world *w, enum world_site site)
{
    struct observation o = make_observation(OBSERVED_STOP, w->now);

    tell_host(w, site, &o);
}
