// What the system's resolver library declares as macros, or keeps in unions, as functions that Swift can call.
#ifndef MUSTER_CRESOLV_SHIM_H
#define MUSTER_CRESOLV_SHIM_H

#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>
#include <sys/socket.h>

// A function has the name of the structure, too.
typedef struct __res_state muster_resolver;

// res_ninit and res_nclose are macros for functions of other names. The state is the caller's, and closed by muster_resolver_close.
static inline int muster_resolver_open(muster_resolver *state) {
    memset(state, 0, sizeof *state);
    return res_ninit(state);
}

static inline void muster_resolver_close(muster_resolver *state) {
    res_nclose(state);
}

// Copies a name server's address, and says how long it is; 0 where there is none. The state keeps IPv6 addresses in a union.
static inline socklen_t muster_resolver_server(const muster_resolver *state, int place, struct sockaddr_storage *address) {
    if (place < 0 || place >= state->nscount || place >= MAXNS) return 0;
    memset(address, 0, sizeof *address);
    if (state->nsaddr_list[place].sin_family == AF_INET) {
        memcpy(address, &state->nsaddr_list[place], sizeof(struct sockaddr_in));
        return sizeof(struct sockaddr_in);
    }
    if (state->_u._ext.nsaddrs[place] == NULL) return 0;
    memcpy(address, state->_u._ext.nsaddrs[place], sizeof(struct sockaddr_in6));
    return sizeof(struct sockaddr_in6);
}

// Writes the socket address of an IPv4 or IPv6 address, 4 or 16 bytes, and says how long it is.
static inline socklen_t muster_socket_address(const unsigned char *bytes, int count, uint16_t port, struct sockaddr_storage *address) {
    memset(address, 0, sizeof *address);
    if (count == 4) {
        struct sockaddr_in *four = (struct sockaddr_in *)address;
        four->sin_family = AF_INET;
        four->sin_port = htons(port);
        memcpy(&four->sin_addr, bytes, 4);
        return sizeof *four;
    }
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)address;
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(port);
    memcpy(&six->sin6_addr, bytes, 16);
    return sizeof *six;
}

// A record's name is an array of a thousand characters, which Swift has as a tuple.
static inline const char *muster_record_name(const ns_rr *record) {
    return record->name;
}

#endif
