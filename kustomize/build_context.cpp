#include "build_context.hpp"

#include <algorithm>
#include <utility>

#include "schema.hpp"

namespace sluice::kustomize {

}
