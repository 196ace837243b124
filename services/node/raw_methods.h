// Generated services whose callback methods take and give bytes: WithRawCallbackMethod_* nested
// into each other, without writing the nesting down.
#ifndef ATTUNE_SERVICES_NODE_RAW_METHODS_H_
#define ATTUNE_SERVICES_NODE_RAW_METHODS_H_

namespace attune::node {

template <class Service, template <class> class... Methods>
struct RawMethodsOf {
  using type = Service;
};

template <class Service, template <class> class First, template <class> class... Rest>
struct RawMethodsOf<Service, First, Rest...> {
  using type = First<typename RawMethodsOf<Service, Rest...>::type>;
};

template <class Service, template <class> class... Methods>
using RawMethods = typename RawMethodsOf<Service, Methods...>::type;

}  // namespace attune::node

#endif  // ATTUNE_SERVICES_NODE_RAW_METHODS_H_
