// The part of liblsl's C interface that is used here (liblsl 1.13 and later; names, types and
// values as its documentation at labstreaminglayer.readthedocs.io gives them). Handles are opaque.
#ifndef ATTUNE_EDGE_LSL_ABI_H_
#define ATTUNE_EDGE_LSL_ABI_H_

#include <cstdint>

// The list is written once: what is loaded, what the table holds and what a stand-in must offer.
//   X(result, name, arguments)
#define ATTUNE_LSL_FUNCTIONS(X)                                                               \
  X(double, lsl_local_clock, ())                                                              \
  X(void*, lsl_create_streaminfo,                                                             \
    (const char* name, const char* type, int32_t channels, double rate_hz, int32_t format,    \
     const char* source_id))                                                                  \
  X(void, lsl_destroy_streaminfo, (void* info))                                               \
  X(const char*, lsl_get_name, (void* info))                                                  \
  X(int32_t, lsl_get_channel_count, (void* info))                                             \
  X(int32_t, lsl_get_channel_format, (void* info))                                            \
  X(void*, lsl_get_desc, (void* info))                                                        \
  X(void*, lsl_append_child, (void* element, const char* name))                               \
  X(void*, lsl_append_child_value, (void* element, const char* name, const char* value))      \
  X(void*, lsl_create_outlet, (void* info, int32_t chunk_size, int32_t max_buffered))         \
  X(void, lsl_destroy_outlet, (void* outlet))                                                 \
  X(int32_t, lsl_push_sample_dt, (void* outlet, const double* data, double at_s))             \
  X(int32_t, lsl_push_sample_strt, (void* outlet, const char** data, double at_s))            \
  X(int32_t, lsl_resolve_byprop,                                                              \
    (void** buffer, uint32_t count, const char* property, const char* value, int32_t minimum, \
     double timeout_s))                                                                       \
  X(void*, lsl_create_inlet,                                                                  \
    (void* info, int32_t max_buflen, int32_t max_chunklen, int32_t recover))                  \
  X(void, lsl_destroy_inlet, (void* inlet))                                                   \
  X(double, lsl_time_correction, (void* inlet, double timeout_s, int32_t* error))             \
  X(double, lsl_pull_sample_d,                                                                \
    (void* inlet, double* buffer, int32_t elements, double timeout_s, int32_t* error))

namespace attune::edge {

struct LslFunctions {
#define ATTUNE_LSL_MEMBER(result, name, arguments) result(*name) arguments = nullptr;
  ATTUNE_LSL_FUNCTIONS(ATTUNE_LSL_MEMBER)
#undef ATTUNE_LSL_MEMBER
};

inline constexpr double kLslIrregularRate = 0;
inline constexpr int32_t kLslDouble64 = 2;
inline constexpr int32_t kLslString = 3;
inline constexpr int32_t kLslTimeout = -1;  // error codes
inline constexpr int32_t kLslLost = -2;

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_LSL_ABI_H_
