// Errors in the words of Redis 7.0.
#ifndef ATTUNE_TESTS_SIMULATION_REDIS_ERRORS_H_
#define ATTUNE_TESTS_SIMULATION_REDIS_ERRORS_H_

#include "tests/simulation/redis_value.h"

namespace attune::simulation {

inline Value WrongType() {
  return Value::Error("WRONGTYPE Operation against a key holding the wrong kind of value");
}
inline Value NotAnInteger() { return Value::Error("ERR value is not an integer or out of range"); }
inline Value SyntaxError() { return Value::Error("ERR syntax error"); }

}  // namespace attune::simulation

#endif  // ATTUNE_TESTS_SIMULATION_REDIS_ERRORS_H_
