/* What the punch engine sends; internal to the engine. */
#ifndef ENGINE_PUNCH_SEND_H
#define ENGINE_PUNCH_SEND_H

#include "punch.h"

/* How long an answer to something sent now may reasonably take. */
nsec punch_patience(const struct punch *p);

/* The next bubble pair, direct then indirect; sets the next deadlines. */
void punch_send_pair(struct punch *p, nsec now);

/* RFC 6081's further direct bubble, once the peer's indirect answer shows that its NAT has opened.
 */
void punch_resend_direct(struct punch *p);

/* An echo request to the endpoint that answered. */
void punch_send_echo(struct punch *p, nsec now);

/* A router solicitation to the peer's server: does it live? */
void punch_check_server(struct punch *p, nsec now);

#endif
