/* src/nat against a naive model of RFC 4787 that keeps lists and searches them: random traffic,
 * every behaviour, results compared packet by packet. */
#include <stdlib.h>

#include "nat.h"
#include "prng.h"
#include "tap.h"

#define PACKETS 2000
#define TIMEOUT (30 * NSEC_S)

struct model_mapping {
    struct endpoint internal, remote, external;
    nsec refreshed;
};

struct model_sent {
    struct endpoint external, to; /* by the mapping with this external endpoint */
    nsec when;
};

struct model {
    struct nat_config config;
    struct model_mapping mappings[PACKETS];
    struct model_sent sent[2 * PACKETS];
    unsigned mapping_count, sent_count;
};

static const char *const dependence_words[] = {"endpoint-independent", "address", "address-port"};
static const char *const ports_words[] = {"preserving", "sequential", "random"};

static bool agrees(enum nat_dependence dependence, struct endpoint a, struct endpoint b)
{
    return dependence == NAT_ENDPOINT_INDEPENDENT ||
           (a.address == b.address && (dependence == NAT_ADDRESS_DEPENDENT || a.port == b.port));
}

static bool alive(nsec refreshed, nsec now)
{
    return now - refreshed < TIMEOUT;
}

static struct model_mapping *model_outbound(struct model *m, nsec now, struct endpoint internal,
                                            struct endpoint to)
{
    for (unsigned i = 0; i < m->mapping_count; i++) {
        struct model_mapping *x = &m->mappings[i];

        if (endpoint_equal(x->internal, internal) && alive(x->refreshed, now) &&
            agrees(m->config.mapping, x->remote, to))
            return x;
    }
    return NULL;
}

static struct model_mapping *model_outside(struct model *m, nsec now, struct endpoint external)
{
    for (unsigned i = 0; i < m->mapping_count; i++)
        if (endpoint_equal(m->mappings[i].external, external) &&
            alive(m->mappings[i].refreshed, now))
            return &m->mappings[i];
    return NULL;
}

/* What was sent by the mapping of EXTERNAL that lets FROM in. */
static struct model_sent *model_filter(struct model *m, nsec now, struct endpoint external,
                                       struct endpoint from)
{
    for (unsigned i = m->sent_count; i-- > 0;)
        if (endpoint_equal(m->sent[i].external, external) && alive(m->sent[i].when, now) &&
            agrees(m->config.filtering, m->sent[i].to, from))
            return &m->sent[i];
    return NULL;
}

static struct endpoint random_endpoint(struct prng *p, uint32_t base, uint32_t addresses,
                                       uint16_t first_port, uint32_t ports)
{
    uint32_t address = base + prng_below(p, addresses);

    return (struct endpoint){address, (uint16_t)(first_port + prng_below(p, ports))};
}

/* Returns what is wrong, or NULL. */
static const char *check_outbound(struct model *m, struct nat *nat, struct prng *p, nsec now)
{
    struct endpoint internal = random_endpoint(p, 0x64400102, 3, 5000, 4);
    struct endpoint to = random_endpoint(p, 0xc0000201, 3, 3000, 3);
    struct model_mapping *x = model_outbound(m, now, internal, to);
    struct nat_result r;

    nat_outbound(nat, now, internal, to, &r);
    if (r.verdict != NAT_OUT)
        return "an outbound packet was dropped";
    if (x != NULL && (r.happened & NAT_MAPPING_CREATED))
        return "a mapping was made beside a live one";
    if (x != NULL && !endpoint_equal(x->external, r.from))
        return "a live mapping was not reused";
    if (x == NULL) {
        if (!(r.happened & NAT_MAPPING_CREATED))
            return "an expired or missing mapping was used";
        if (model_outside(m, now, r.from) != NULL)
            return "two live mappings share an external endpoint";
        x = &m->mappings[m->mapping_count++];
        *x = (struct model_mapping){.internal = internal, .remote = to, .external = r.from};
    }
    x->refreshed = now;
    m->sent[m->sent_count++] = (struct model_sent){r.from, to, now};
    return NULL;
}

static const char *check_inbound(struct model *m, struct nat *nat, struct prng *p, nsec now)
{
    struct endpoint from = random_endpoint(p, 0xc0000201, 3, 3000, 3);
    struct endpoint to = {0xcb00710a, 5000};
    struct model_mapping *x;
    struct model_sent *filter;
    bool lets_in;
    struct nat_result r;

    if (m->mapping_count > 0)
        to = m->mappings[m->mapping_count - 1 - prng_below(p, (m->mapping_count + 1) / 2)].external;
    x = model_outside(m, now, to);
    filter = x == NULL ? NULL : model_filter(m, now, x->external, from);
    lets_in = x != NULL && (filter != NULL || m->config.filtering == NAT_ENDPOINT_INDEPENDENT);
    nat_inbound(nat, now, from, to, &r);
    if ((r.verdict == NAT_IN) != lets_in)
        return lets_in ? "a packet that may come in was dropped" : "a packet was let in wrongly";
    if (lets_in && !endpoint_equal(r.to, x->internal))
        return "a packet went to the wrong internal endpoint";
    if (!lets_in && (r.reason == NAT_NO_MAPPING) != (x == NULL))
        return "a packet was dropped for the wrong reason";
    if (lets_in && m->config.inbound_refresh) {
        x->refreshed = now;
        /* The filter's own entry: all that is of no account to it is that of the first send. */
        if (filter != NULL)
            m->sent[m->sent_count++] = (struct model_sent){x->external, from, now};
    }
    return NULL;
}

static const char *run(const char *words, uint64_t seed)
{
    static struct model m;
    struct prng p = {seed};
    struct error error;
    struct nat *nat;
    nsec now = 1700000000 * NSEC_S;
    const char *wrong = NULL;

    m.mapping_count = m.sent_count = 0;
    if (nat_config_parse(words, &m.config, &error) < 0)
        return error.what[0] != '\0' ? "the words are not understood" : "no error text";
    for (unsigned i = 0; i < NAT_POOL_MAX; i++)
        m.config.external[i] = 0xcb00710a + i;
    m.config.seed = seed;
    nat = nat_new(&m.config);
    for (unsigned i = 0; i < PACKETS && wrong == NULL; i++) {
        /* Mostly dense traffic, now and then a pause around the timeout. */
        now += prng_below(&p, 50) == 0 ? (nsec)prng_below(&p, 40) * NSEC_S
                                       : (nsec)prng_below(&p, 1000) * NSEC_MS;
        wrong = prng_below(&p, 2) == 0 ? check_outbound(&m, nat, &p, now)
                                       : check_inbound(&m, nat, &p, now);
    }
    nat_free(nat);
    return wrong;
}

int main(void)
{
    for (unsigned i = 0; i < 3 * 3 * 3 * 2; i++) {
        char words[NAT_CONFIG_STRLEN];
        const char *wrong = NULL;

        snprintf(words, sizeof words,
                 "mapping=%s,filtering=%s,ports=%s,refresh=%s,timeout=30s,range=5000-5200,pool=2%s",
                 dependence_words[i % 3], dependence_words[i / 3 % 3], ports_words[i / 9 % 3],
                 i / 27 ? "both" : "outbound", i % 2 ? ",pooling=arbitrary,parity=yes" : "");
        for (uint64_t seed = 1; seed <= 5 && wrong == NULL; seed++)
            wrong = run(words, seed);
        ok(wrong == NULL, "%u random packets agree with the model: %s%s%s", 5 * PACKETS, words,
           wrong == NULL ? "" : ": ", wrong == NULL ? "" : wrong);
    }
    return done_testing();
}
