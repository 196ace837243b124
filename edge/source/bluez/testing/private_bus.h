// A message bus of a test's own, in place of the system bus: no root, no hardware, nothing of this
// machine is touched.
#ifndef ATTUNE_EDGE_SOURCE_BLUEZ_TESTING_PRIVATE_BUS_H_
#define ATTUNE_EDGE_SOURCE_BLUEZ_TESTING_PRIVATE_BUS_H_

#include <sys/types.h>

#include <string>

namespace attune::edge {

// dbus-daemon on a Unix socket in a temporary folder; ended and removed with the object. Aborts
// when it cannot be started.
class PrivateBus {
 public:
  PrivateBus();
  ~PrivateBus();
  PrivateBus(const PrivateBus&) = delete;
  PrivateBus& operator=(const PrivateBus&) = delete;

  // For DBUS_SYSTEM_BUS_ADDRESS, or to be handed on.
  const std::string& address() const { return address_; }
  // The daemon dies; Start puts another one in its place, at the same address.
  void Kill();
  void Start();

 private:
  std::string folder_;
  std::string address_;
  pid_t daemon_ = -1;
};

}  // namespace attune::edge

#endif  // ATTUNE_EDGE_SOURCE_BLUEZ_TESTING_PRIVATE_BUS_H_
