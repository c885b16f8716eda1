/* Classifies a NAT from one Teredo server pair (the procedure of `teredoctl classify`).
 *
 * Several local ports send at once, in rounds, to the server's two addresses P and S:
 *
 *   X, Y     solicitations to P and to S: mapping, translation, and, repeated, the references
 *   D        a solicitation to S alone: where a relayed bubble from P must be a stranger's
 *   F0 … F3  a solicitation to P: more fresh ports, for the allocation and the address pool
 *   ANY      cone-bit solicitation to P, answered from S, to which this port never sends: gets in
 *            only where filtering is endpoint-independent (RFC 4380 5.2.1's cone test)
 *   PORT     a byte to another port of S, then the same: gets in unless filtering looks at ports
 *   OPEN     a byte to S itself, then the same: must get in, or silence on ANY and PORT means
 *            nothing (the reference)
 *
 * Behind a NAT whose mapping depends on the destination OPEN cannot work, as the filter belongs to
 * another mapping; bubbles that P relays (RFC 4380 5.2.6) to mappings of D, Y and F0 do. So do they
 * where the server does not answer the cone bit as it should; there
 *
 *   NEAR     a byte to another port of P, and a solicitation to S: a relayed bubble from P gets in
 *            unless filtering looks at ports
 *
 * A NAT that keeps state for what it should discard, as netfilter does for what its own host takes
 * in, maps a port anew towards whoever has sent to it unasked: a trap for hole punching.
 *
 *   D        a solicitation to S, bubbles relayed by P, and at last a solicitation to P: is the
 *            mapping another one? That of X and Y, to which nobody sent unasked, is the control.
 *
 * A server that does neither, or has no second address, cannot show how a NAT filters: once its
 * controls are known to be dead no more is sent, so that it gets no more packets than others.
 *
 * No port serves two filtering tests, and each test has two ports, which must agree: a port may
 * have been another program's a moment ago, with the NAT's filters still open. A negative finding
 * takes so many rounds, each with a reference that came back, that loss explains them with odds
 * below CLASSIFY_ODDS. What is not borne out by the last round stays unknown. */
#ifndef ENGINE_CLASSIFY_H
#define ENGINE_CLASSIFY_H

#include "lifetime.h"

/* The ports (send_request.socket). */
enum {
    CLASSIFY_X, /* the service port */
    CLASSIFY_Y,
    CLASSIFY_D0,
    CLASSIFY_D1,
    CLASSIFY_F0,
    CLASSIFY_F1,
    CLASSIFY_F2,
    CLASSIFY_F3,
    CLASSIFY_ANY0,
    CLASSIFY_ANY1,
    CLASSIFY_PORT0,
    CLASSIFY_PORT1,
    CLASSIFY_OPEN0,
    CLASSIFY_OPEN1,
    CLASSIFY_NEAR0,
    CLASSIFY_NEAR1,
    CLASSIFY_HOPS,
    CLASSIFY_SOCKETS,
};

enum nat_test_name {
    NAT_TEST_X_P,
    NAT_TEST_Y_P,
    NAT_TEST_X_S,
    NAT_TEST_Y_S,
    NAT_TEST_D0_S,
    NAT_TEST_D1_S,
    NAT_TEST_F0,
    NAT_TEST_F1,
    NAT_TEST_F2,
    NAT_TEST_F3,
    NAT_TEST_X_EXTRA, /* to the server's extra port */
    NAT_TEST_F1_EXTRA,
    NAT_TEST_ANY0,
    NAT_TEST_ANY1,
    NAT_TEST_PORT0,
    NAT_TEST_PORT1,
    NAT_TEST_OPEN0,
    NAT_TEST_OPEN1,
    NAT_TEST_RELAY_ANY0, /* X by P to D0, which has sent to S alone */
    NAT_TEST_RELAY_ANY1,
    NAT_TEST_RELAY_PORT0,  /* X by P's extra port to Y, which has sent to P's other port */
    NAT_TEST_RELAY_PORT1,  /* to F0 */
    NAT_TEST_RELAY_OPEN0,  /* X by P to Y */
    NAT_TEST_RELAY_OPEN1,  /* X by P to F0 */
    NAT_TEST_RELAY_EXTRA0, /* X by P's extra port to F1, which has sent to it */
    NAT_TEST_RELAY_EXTRA1, /* to itself, likewise */
    NAT_TEST_NEAR0_S,
    NAT_TEST_NEAR1_S,
    NAT_TEST_RELAY_NEAR0, /* X by P to NEAR, which has sent to S and to another port of P */
    NAT_TEST_RELAY_NEAR1,
    NAT_TEST_RELAY_SELF, /* X by P to itself */
    NAT_TEST_D0_P,       /* once P has sent to D, or tried to, and all else is known */
    NAT_TEST_D1_P,
    NAT_TEST_HAIR_XY, /* X straight to Y's external endpoint */
    NAT_TEST_HAIR_YX,
    NAT_TEST_HOP0, /* dies on the way */
    NAT_TEST_HOP1,
    NAT_TEST_HOP2,
    CLASSIFY_TESTS
};

/* Of the sends: that of each test's each round; that of all bytes that open a filter, which nothing
 * answers; and those of the lifetime. */
enum {
    CLASSIFY_TAG_PRIME = CLASSIFY_TESTS * CLASSIFY_ROUNDS,
    CLASSIFY_TAG_LIFETIME,
};

#define CLASSIFY_ODDS 1e-6
/* Where no reference tells of the loss on a path, no more than this share of round trips is
 * supposed to be lost. */
#define CLASSIFY_WORST_LOSS 0.75
/* A whole address is called silent no sooner, nor before the timeout: it may only be slow. */
#define CLASSIFY_SILENCE NSEC_S

struct classify_config {
    struct endpoint server;
    struct endpoint secondary; /* another address */
    /* Of CLASSIFY_SOCKETS sockets; for the lifetime, of LIFETIME_PORTS more. Borrowed. */
    const struct endpoint *local;
    uint16_t extra_port; /* that the server listens on as well; 0 = none is known */
    nsec timeout;        /* when a server, or an address of it, that never answers is given up */
    bool allow_private;
    struct rs_identity identity; /* for secure qualification */
    struct lifetime *lifetime;   /* room to measure it in, borrowed; NULL = it is not measured */
    nsec lifetime_max;
    nsec lifetime_resolution;
    struct nonce_source nonces;
};

/* A server address to which packets were refused: by ICMP, or by this host. */
struct classify_refusal {
    unsigned count;       /* of those that are no hint */
    unsigned hints;       /* RFC 1122 3.2.2.1 */
    nsec doubted_until;   /* when errors that may be forged are believed; 0 = none came */
    enum refusal refusal; /* the last one */
    struct icmp_error icmp;
    int errnum;
};

enum {
    CLASSIFY_MADE = 64,
    CLASSIFY_ROUTERS = 8
};

struct classify {
    struct engine engine;
    struct outbox *out; /* while it is observed */
    struct classify_config config;
    nsec started;      /* 0 = not yet */
    nsec first_answer; /* 0 = none yet */
    nsec next_round;   /* NSEC_NEVER = none to come, for now */
    nsec last_round;   /* when the last packet of the last one was sent */
    nsec checked;      /* when the findings were last looked at */
    nsec next_progress;
    nsec wait;      /* how long an answer is waited for before a try counts as lost */
    nsec fastest;   /* answer; 0 = none yet */
    unsigned round; /* how many were sent */
    bool done;
    bool measuring; /* the classification is made; the lifetime is under way */
    struct nat_test tests[CLASSIFY_TESTS];
    struct {
        unsigned socket;
        struct endpoint to;
    } made[CLASSIFY_MADE]; /* mappings in the order in which we made them, if they depend on it */
    unsigned made_count;
    struct classify_refusal refusals[2]; /* P and S */
    uint32_t routers[CLASSIFY_ROUTERS];  /* that told of a packet's death on the way */
    unsigned router_count;
    bool server_host_answered; /* its ICMP port unreachable: UDP gets there */
    bool extra_refused;        /* the server's host says that nobody listens on the extra port */
    unsigned cone_ignored;     /* cone-bit solicitations that P answered itself */
    struct classification result;
    struct part lifetime;
};

/* Sets up an engine whose first TIMER observation starts. What CONFIG points to must outlive it. */
void classify_init(struct classify *p, const struct classify_config *config);

#endif
