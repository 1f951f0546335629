#pragma once
/// Request bodies in Kubernetes' protobuf encoding, which kubectl sends for the kinds it knows
/// (`kubectl create namespace`).
///
/// Follows apimachinery runtime/serializer/protobuf: the bytes "k8s\0", then a runtime.Unknown
/// {1: TypeMeta{1: apiVersion, 2: kind}, 2: the object's message}. Only reads; answers are JSON,
/// which each client that sends protobuf accepts as well.

#include <string_view>

#include "sandbox/failure.hpp"
#include "sandbox/types.hpp"

namespace sluice::sandbox {

/// The media type.
inline constexpr std::string_view kProtobuf = "application/vnd.kubernetes.protobuf";

/// The object of `body`, which is of the built-in `type`, as JSON would have it. Fields that the
/// type does not have are dropped, as Go's decoder does. Refuses with 400 what is malformed.
Answer<yaml::Document> read_protobuf(std::string_view body, const Type& type);

}  // namespace sluice::sandbox
