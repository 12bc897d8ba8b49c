// What libcrypto declares as macros or generated stack accessors, as functions that Swift can call.
#ifndef MUSTER_COPENSSL_SHIM_H
#define MUSTER_COPENSSL_SHIM_H

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/x509.h>

// OPENSSL_clear_free is a macro that adds the caller's file and line.
static inline void muster_clear_free(void *bytes, size_t count) {
    OPENSSL_clear_free(bytes, count);
}

#endif
