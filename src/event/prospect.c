#include "classification.h"

/* The ways in which the direct path can be opened. */
#define NEEDS_NONCE "RFC 6081 symmetric NAT support (nonce trailers) at both ends"
#define NEEDS_PRESERVING "RFC 6081 port-preserving symmetric NAT extension at both ends"
#define NEEDS_SEQUENTIAL "RFC 6081 sequential port-symmetric NAT extension at both ends"
#define NEEDS_PORT "a port reserved on the symmetric NAT, by hand or by UPnP"
/* Between two symmetric NATs, of which one filters nothing, and the other no ports. */
#define NEEDS_LAX_PEER \
    NEEDS_PORT ", or, with RFC 6081 nonces, a peer's NAT that lets in any port of an address"
#define NEEDS_OPEN_PEER NEEDS_PORT ", or, with RFC 6081 nonces, a peer's NAT that filters nothing"
#define NEEDS_CHANCE "the NAT takes one of several external addresses for each mapping, by chance"
#define NEEDS_FIRST "if this side sends first, for its NAT trips over what comes unasked"
#define NEEDS_NO_TRAP "this side's NAT trips over a bubble that comes before the guess is right"

static const struct wording outcomes[] = {
    [OUTCOME_UNKNOWN] = {"unknown"},
    [OUTCOME_DIRECT] = {"direct"},
    [OUTCOME_DIRECT_FIRST] = {"direct_if_first"},
    [OUTCOME_EXTENSION] = {"rfc6081"},
    [OUTCOME_NO] = {"no"},
};

const struct words punch_outcomes = WORDS("punch_outcome", outcomes);

/* A NAT as far as hole punching looks at it. */
struct side {
    bool known;
    bool symmetric;
    bool filter_known;
    bool filters_ports; /* lets in only addresses and ports that were sent to */
    bool filters_nothing, filters_addresses; /* of a symmetric one: each mapping of it */
    bool scattered; /* takes another external address for another mapping */
    bool trips;     /* over what comes unasked */
    enum port_allocation ports;
};

struct peer {
    const char *word;
    struct side side;
};

static const struct peer peers[CLASSIFY_PEERS] = {
    {"none", {.known = true, .filter_known = true, .filters_nothing = true}},
    {"cone", {.known = true, .filter_known = true, .filters_nothing = true}},
    {"address_restricted", {.known = true, .filter_known = true}},
    {"port_restricted", {.known = true, .filter_known = true, .filters_ports = true}},
    {"symmetric_preserving",
     {.known = true,
      .symmetric = true,
      .filter_known = true,
      .filters_ports = true,
      .ports = PORTS_PRESERVING}},
    {"symmetric_sequential",
     {.known = true,
      .symmetric = true,
      .filter_known = true,
      .filters_ports = true,
      .ports = PORTS_SEQUENTIAL}},
    {"symmetric_random",
     {.known = true,
      .symmetric = true,
      .filter_known = true,
      .filters_ports = true,
      .ports = PORTS_RANDOM}},
};

static struct side own_side(const struct classification *c)
{
    struct side s = {
        .known = c->mapping != DEPENDS_UNKNOWN,
        .symmetric = c->mapping != DEPENDS_UNKNOWN && c->mapping != DEPENDS_ENDPOINT_INDEPENDENT,
        .filter_known = c->filtering != DEPENDS_UNKNOWN && c->filtering != DEPENDS_ENDPOINT,
        .filters_ports = c->filtering == DEPENDS_ADDRESS_AND_PORT,
        .filters_nothing = c->filtering == DEPENDS_ENDPOINT_INDEPENDENT,
        .filters_addresses = c->filtering == DEPENDS_ADDRESS,
        .scattered = c->pooling == POOLING_ARBITRARY,
        .trips = c->trips == FINDING_YES,
        .ports = c->ports,
    };

    /* What a symmetric NAT lets in by another mapping does not help to punch it: a filter belongs
     * to a mapping, and the one that the peer knows of is another. */
    if (s.symmetric)
        s.filter_known = s.filters_ports = true;
    return s;
}

static void set(struct punch_prospect *p, enum punch_outcome outcome, const char *needs)
{
    p->outcome = outcome;
    p->needs = needs;
}

/* The symmetric side's next port must be guessed: by its allocation. */
static void guess(struct punch_prospect *p, enum port_allocation ports)
{
    switch (ports) {
    case PORTS_PRESERVING:
        set(p, OUTCOME_EXTENSION, NEEDS_PRESERVING);
        break;
    case PORTS_SEQUENTIAL:
        set(p, OUTCOME_EXTENSION, NEEDS_SEQUENTIAL);
        break;
    case PORTS_RANDOM:
        set(p, OUTCOME_NO, NEEDS_PORT);
        break;
    case PORTS_UNKNOWN:
    case PORTS_NOT_APPLICABLE:
        set(p, OUTCOME_UNKNOWN, "");
        break;
    }
}

static const char *other_ways(const struct side *own)
{
    return own->filters_nothing     ? NEEDS_LAX_PEER
           : own->filters_addresses ? NEEDS_OPEN_PEER
                                    : NEEDS_PORT;
}

/* Both ports must be guessed at once, by figure 1 of RFC 6081. */
static void guess_both(struct punch_prospect *p, const struct side *own, enum port_allocation peer)
{
    if (own->ports == PORTS_PRESERVING && peer == PORTS_PRESERVING)
        set(p, OUTCOME_EXTENSION, NEEDS_PRESERVING);
    else if (own->ports == PORTS_PRESERVING && peer == PORTS_SEQUENTIAL)
        set(p, OUTCOME_EXTENSION, NEEDS_SEQUENTIAL);
    else if (own->ports == PORTS_UNKNOWN && peer != PORTS_RANDOM)
        set(p, OUTCOME_UNKNOWN, "");
    else
        set(p, OUTCOME_NO, other_ways(own));
}

/* Neither maps by destination: RFC 4380 is enough, for the filters that both open. */
static void direct(struct punch_prospect *p, const struct side *own)
{
    if (own->trips)
        set(p, OUTCOME_DIRECT_FIRST, NEEDS_FIRST);
    else
        set(p, OUTCOME_DIRECT, "");
}

static void prospect(const struct side *own, const struct side *peer, struct punch_prospect *p)
{
    const struct side *symmetric = own->symmetric ? own : peer;
    const struct side *other = own->symmetric ? peer : own;

    if (!own->known)
        set(p, OUTCOME_UNKNOWN, "");
    else if (!own->symmetric && !peer->symmetric)
        direct(p, own);
    else if (own->symmetric && peer->symmetric)
        guess_both(p, own, peer->ports);
    else if (!other->filter_known)
        set(p, OUTCOME_UNKNOWN, "");
    else if (!other->filters_ports)
        set(p, OUTCOME_EXTENSION, NEEDS_NONCE);
    else
        guess(p, symmetric->ports);
    if (own->trips && peer->symmetric && p->outcome == OUTCOME_EXTENSION)
        set(p, OUTCOME_UNKNOWN, NEEDS_NO_TRAP);
    /* RFC 6081's address-symmetric NAT: only who filters nothing is sure to let it in. */
    if (own->symmetric && own->scattered && p->outcome != OUTCOME_NO &&
        !(peer->filter_known && peer->filters_nothing))
        set(p, OUTCOME_UNKNOWN, NEEDS_CHANCE);
}

void punch_prospects(const struct classification *c, struct punch_prospect out[CLASSIFY_PEERS])
{
    struct side own = own_side(c);

    for (int i = 0; i < CLASSIFY_PEERS; i++) {
        out[i] = (struct punch_prospect){.peer = peers[i].word, .needs = ""};
        if (c->nat == NAT_NAME_BLOCKED && c->reach == REACH_REFUSAL(REFUSAL_PROHIBITED))
            set(&out[i], OUTCOME_NO, "UDP through to the outside");
        else
            prospect(&own, &peers[i].side, &out[i]);
    }
}

const char *rfc4380_name(const struct classification *c)
{
    switch (c->nat) {
    case NAT_NAME_NONE:
        return "none";
    case NAT_NAME_CONE:
        return "cone";
    case NAT_NAME_FIREWALL:
    case NAT_NAME_ADDRESS_RESTRICTED:
    case NAT_NAME_PORT_RESTRICTED:
        return "restricted";
    case NAT_NAME_SYMMETRIC:
        return "symmetric";
    case NAT_NAME_UNKNOWN:
    case NAT_NAME_BLOCKED:
    case NAT_NAME_COUNT:
        break;
    }
    return "unknown";
}

const char *rfc3489_name(const struct classification *c)
{
    static const char *const names[NAT_NAME_COUNT] = {
        [NAT_NAME_UNKNOWN] = "unknown",
        [NAT_NAME_NONE] = "open internet",
        [NAT_NAME_FIREWALL] = "symmetric UDP firewall",
        [NAT_NAME_BLOCKED] = "UDP blocked",
        [NAT_NAME_CONE] = "full cone",
        [NAT_NAME_ADDRESS_RESTRICTED] = "restricted cone",
        [NAT_NAME_PORT_RESTRICTED] = "port restricted cone",
        [NAT_NAME_SYMMETRIC] = "symmetric",
    };

    return names[c->nat];
}

const char *netsh_name(const struct classification *c)
{
    switch (c->nat) {
    case NAT_NAME_NONE:
        return "none";
    case NAT_NAME_CONE:
        return "cone";
    case NAT_NAME_ADDRESS_RESTRICTED:
        return "restricted";
    case NAT_NAME_FIREWALL:
        return c->filtering == DEPENDS_ADDRESS ? "restricted" : "restricted (port)";
    case NAT_NAME_PORT_RESTRICTED:
        return "restricted (port)";
    case NAT_NAME_SYMMETRIC:
        if (c->mapping == DEPENDS_ADDRESS)
            return "symmetric (address)";
        return c->mapping == DEPENDS_ADDRESS_AND_PORT ? "symmetric (port)" : "symmetric";
    case NAT_NAME_UNKNOWN:
    case NAT_NAME_BLOCKED:
    case NAT_NAME_COUNT:
        break;
    }
    return "unknown";
}
