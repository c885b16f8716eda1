/* Classifies a NAT from one Teredo server pair (the procedure of `teredoctl classify`).
 *
 * Several local ports send at once, in rounds, to the server's two addresses P and S:
 *
 *   X, Y     solicitations to P and to S: mapping, translation, and, repeated, the controls
 *   D        a solicitation to S alone: where a relayed bubble from P must be a stranger's
 *   F0 … F3  a solicitation to P: more fresh ports, for the allocation and the address pool
 *   ANY      cone-bit solicitation to P, answered from S, to which this port never sends: gets in
 *            only where filtering is endpoint-independent (RFC 4380 5.2.1's cone test)
 *   PORT     a byte to another port of S, then the same: gets in unless filtering looks at ports
 *   OPEN     a byte to S itself, then the same: must get in, or silence on ANY and PORT means
 *            nothing (the control)
 *
 * Behind a NAT whose mapping depends on the destination OPEN cannot work, as the filter belongs to
 * another mapping; bubbles that P relays (RFC 4380 5.2.6) to mappings of D, Y and F0 do.
 *
 * No port serves two filtering tests, and each test has two ports, which must agree: a port may
 * have been another program's a moment ago, with the NAT's filters still open. A negative finding
 * takes so many rounds, each with a control that came back, that loss explains them with odds below
 * PROBE_ODDS. What is not borne out by the last round stays unknown. */
#ifndef ENGINE_PROBE_H
#define ENGINE_PROBE_H

#include "lifetime.h"

/* The ports (send_request.socket). */
enum {
    PROBE_X, /* the service port */
    PROBE_Y,
    PROBE_D0,
    PROBE_D1,
    PROBE_F0,
    PROBE_F1,
    PROBE_F2,
    PROBE_F3,
    PROBE_ANY0,
    PROBE_ANY1,
    PROBE_PORT0,
    PROBE_PORT1,
    PROBE_OPEN0,
    PROBE_OPEN1,
    PROBE_HOPS,
    PROBE_SOCKETS,
};

enum probe_leg_name {
    LEG_X_P,
    LEG_Y_P,
    LEG_X_S,
    LEG_Y_S,
    LEG_D0_S,
    LEG_D1_S,
    LEG_F0,
    LEG_F1,
    LEG_F2,
    LEG_F3,
    LEG_X_EXTRA, /* to the server's extra port */
    LEG_F1_EXTRA,
    LEG_ANY0,
    LEG_ANY1,
    LEG_PORT0,
    LEG_PORT1,
    LEG_OPEN0,
    LEG_OPEN1,
    LEG_RELAY_ANY0, /* X by P to D0, which has sent to S alone */
    LEG_RELAY_ANY1,
    LEG_RELAY_PORT0, /* X by P's extra port to Y, which has sent to P's other port */
    LEG_RELAY_PORT1, /* to F0 */
    LEG_RELAY_OPEN0, /* X by P to Y */
    LEG_RELAY_OPEN1, /* X by P to F0 */
    LEG_RELAY_EXTRA, /* X by P's extra port to F1, which has sent to it */
    LEG_HAIR_XY,     /* X straight to Y's external endpoint */
    LEG_HAIR_YX,
    LEG_HOP0, /* dies on the way */
    LEG_HOP1,
    LEG_HOP2,
    PROBE_LEGS
};

#define PROBE_ODDS 1e-6
/* Where no control tells of the loss on a path, no more than this share of round trips is supposed
 * to be lost. */
#define PROBE_WORST_LOSS 0.75
/* A whole address is called silent no sooner: it may only be slow. */
#define PROBE_SILENCE NSEC_S

struct probe_config {
    struct endpoint server;
    struct endpoint secondary; /* another address */
    /* Of PROBE_SOCKETS sockets; for the lifetime, of LIFETIME_PORTS more. Borrowed. */
    const struct endpoint *local;
    uint16_t extra_port; /* that the server listens on as well; 0 = none is known */
    nsec timeout;        /* when a server that never answers is given up */
    bool allow_private;
    struct solicit_identity identity; /* for secure qualification */
    bool lifetime;                    /* measure it */
    nsec lifetime_max;
    nsec lifetime_resolution;
    struct nonce_source nonces;
};

/* A packet that is to be sent. */
struct probe_pending {
    uint8_t leg;
    uint8_t round;
    bool prime;
};

/* A server address to which packets were refused: by ICMP, or by this host. */
struct probe_refusal {
    unsigned count;
    enum classify_reach reach; /* of the last one */
    struct icmp_error icmp;
    int errnum;
};

enum {
    PROBE_PENDING = 64,
    PROBE_MADE = 64,
    PROBE_ROUTERS = 8
};

struct probe {
    struct probe_config config;
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
    struct probe_leg legs[PROBE_LEGS];
    struct {
        unsigned socket;
        struct endpoint to;
    } made[PROBE_MADE]; /* mappings in the order in which we made them, if they depend on it */
    unsigned made_count;
    struct probe_refusal refusals[2]; /* P and S */
    uint32_t routers[PROBE_ROUTERS];  /* that told of a packet's death on the way */
    unsigned router_count;
    bool server_host_answered; /* its ICMP port unreachable: UDP gets there */
    unsigned rejected;
    struct probe_pending pending[PROBE_PENDING];
    unsigned pending_head, pending_count;
    struct classification result;
    struct action_queue queue;
    struct lifetime lifetime; /* last: its ports are only cleared if they are used */
};

extern const struct engine_ops probe_ops;

/* Sets up an engine whose first TIMER observation starts. What CONFIG points to must outlive it. */
void probe_init(struct probe *p, const struct probe_config *config);

/* The contract of struct engine_ops (event/action.h). */
void probe_observe(struct probe *p, const struct observation *o);
bool probe_next(struct probe *p, struct action *action);
nsec probe_deadline(const struct probe *p);

#endif
