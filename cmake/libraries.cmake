# Every third-party library the project may link, once. Package names are in scripts/deps.
find_package(PkgConfig REQUIRED)

function(sluice_pkg name module)
  pkg_check_modules(PC_${name} REQUIRED IMPORTED_TARGET ${module})
  add_library(lib_${name} INTERFACE)
  target_link_libraries(lib_${name} INTERFACE PkgConfig::PC_${name})
endfunction()

# sluice_archive_pkg(NAME MODULE): programs with the property SLUICE_STATIC_CXX take the library's archive. Those in C++ must
# be such, for libstdc++ to be one, too: its 4,000 relocations cost each start a millisecond. docs/adr/0023-static-cpp.md
function(sluice_archive_pkg name module)
  pkg_check_modules(PC_${name} REQUIRED IMPORTED_TARGET ${module})
  add_library(lib_${name} INTERFACE)
  find_library(ARCHIVE_${name} NAMES lib${PC_${name}_LIBRARIES}.a HINTS ${PC_${name}_LIBRARY_DIRS})
  if(ARCHIVE_${name})
    target_link_libraries(lib_${name} INTERFACE
      "$<IF:$<BOOL:$<TARGET_PROPERTY:SLUICE_STATIC_CXX>>,${ARCHIVE_${name}},PkgConfig::PC_${name}>")
    target_include_directories(lib_${name} SYSTEM INTERFACE ${PC_${name}_INCLUDE_DIRS})
  else()
    target_link_libraries(lib_${name} INTERFACE PkgConfig::PC_${name})
    set(SLUICE_NO_STATIC_CXX ON PARENT_SCOPE)
  endif()
endfunction()

sluice_archive_pkg(libyaml yaml-0.1)
sluice_archive_pkg(yaml_cpp yaml-cpp)
sluice_pkg(openssl_crypto libcrypto)
sluice_pkg(curl libcurl)
sluice_pkg(git2 libgit2)
sluice_archive_pkg(re2 re2)
# Only librnp's header: the library is loaded when a key needs it (decrypt/pgp_library.cpp), for with
# what it needs in turn it would cost every start of the program milliseconds.
pkg_check_modules(PC_rnp REQUIRED librnp)
add_library(lib_rnp INTERFACE)
target_include_directories(lib_rnp SYSTEM INTERFACE ${PC_rnp_INCLUDE_DIRS})
target_link_libraries(lib_rnp INTERFACE ${CMAKE_DL_LIBS})
sluice_pkg(simdjson simdjson)
sluice_pkg(microhttpd libmicrohttpd)

add_library(lib_tl_expected INTERFACE)  # header only
find_path(TL_EXPECTED_INCLUDE tl/expected.hpp REQUIRED)
add_library(lib_spdlog INTERFACE)       # header only with the packaged fmt, so nothing loads at start
target_compile_definitions(lib_spdlog INTERFACE SPDLOG_FMT_EXTERNAL FMT_HEADER_ONLY)
find_path(SPDLOG_INCLUDE spdlog/spdlog.h REQUIRED)
add_library(lib_doctest INTERFACE)
find_path(DOCTEST_INCLUDE doctest/doctest.h REQUIRED)
