// What the stand-in of liblsl (stub.cc) offers to tests beside liblsl's own functions; found with
// dlsym in the loaded library.
#ifndef ATTUNE_EDGE_LSL_TESTING_H_
#define ATTUNE_EDGE_LSL_TESTING_H_

#include <cstdint>

extern "C" {
// The local clock stands until it is set.
void stub_lsl_set_now(double now_s);
// Other machines' clocks are ahead of ours by so much.
void stub_lsl_set_remote_ahead(double ahead_s);
// Sample `index` that was pushed to the stream of this name; 0: none. Of a stream of numbers
// `words` gets the unit.
int32_t stub_lsl_pushed(const char* name, int32_t index, double* value, double* at_s, char* words,
                        int32_t words_size);
}

#endif  // ATTUNE_EDGE_LSL_TESTING_H_
