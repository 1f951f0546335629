# libFuzzer targets (clang; scripts/fuzz builds and runs them): fuzz/MODULE_NAME_fuzz.cpp becomes the
# program of its name, linked with MODULE. The harnesses may include private headers of that module.
target_compile_options(sluice_options INTERFACE -fsanitize=fuzzer-no-link)  # coverage of the modules
file(GLOB fuzz_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/fuzz/*_fuzz.cpp)
foreach(source IN LISTS fuzz_sources)
  get_filename_component(target ${source} NAME_WE)
  string(REGEX REPLACE "_.*" "" module ${target})
  add_executable(${target} ${source})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  target_link_options(${target} PRIVATE -fsanitize=fuzzer)
  target_link_libraries(${target} PRIVATE sluice_${module})
endforeach()
