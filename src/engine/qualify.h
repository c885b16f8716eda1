/* The qualification procedure of RFC 4380 5.2.1, with both server addresses solicited at once: each
 * solicitation carries its own nonce, so that every reply is matched to its request,
 * retransmissions included, and one round trip tells the mapping towards both. */
#ifndef ENGINE_QUALIFY_H
#define ENGINE_QUALIFY_H

#include "engine.h"
#include "nonce.h"
#include "rs_make.h"

enum {
    QUALIFY_MAX_ATTEMPTS = 8,
    QUALIFY_SERVERS = 2,
    QUALIFY_TAGS = QUALIFY_SERVERS * QUALIFY_MAX_ATTEMPTS, /* of its sends, from 0 */
};

struct qualify_config {
    struct endpoint server;
    struct endpoint secondary;
    struct endpoint local;       /* address and port of the service port, for the NAT finding */
    uint32_t local_secondary;    /* its address towards the secondary; 0 = the same */
    nsec timeout;                /* when a silent server is given up */
    unsigned attempts;           /* solicitations to each address, at most QUALIFY_MAX_ATTEMPTS */
    uint16_t flags;              /* of the Teredo address: the random bits of RFC 5991 */
    bool allow_private;          /* believe an origin that is not global (laboratories) */
    struct rs_identity identity; /* for secure qualification (5.2.2) */
    struct nonce_source nonces;  /* key from the caller */
};

/* One server address: what was asked of it and what it answered. */
struct qualify_exchange {
    struct endpoint server;
    unsigned attempts;
    uint8_t nonces[QUALIFY_MAX_ATTEMPTS][TEREDO_NONCE_SIZE];
    nsec sent_at[QUALIFY_MAX_ATTEMPTS]; /* 0 = not yet confirmed by a SENT observation */
    nsec next_send;                     /* NSEC_NEVER when there is none to come */
    nsec give_up;
    unsigned sent;   /* solicitations that left this host */
    unsigned unsent; /* and those for which it had no room */
    unsigned lost;   /* solicitations before the one that was answered */
    bool replied;
    bool rejected;        /* an answer came that broke a rule */
    bool failed;          /* ICMP error or refused by this host */
    bool hinted;          /* an ICMP error came that is no proof yet */
    nsec doubted_until;   /* when one that may be forged is believed; NSEC_NEVER = none came */
    enum refusal refusal; /* of either */
    struct icmp_error icmp;
    int errnum;
    struct endpoint mapped;
    nsec rtt;
};

struct qualify {
    struct engine engine;
    struct outbox *out; /* while it is observed */
    struct qualify_config config;
    struct in6_addr source; /* link-local, of the solicitations */
    struct qualify_exchange exchanges[QUALIFY_SERVERS];
    nsec started; /* 0 = not yet */
    bool done;
    struct qualification result;
};

/* Sets up an engine whose first TIMER observation starts the procedure. What CONFIG points to must
 * outlive it. */
void qualify_init(struct qualify *q, const struct qualify_config *config);

#endif
