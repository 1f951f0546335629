# Benchmarks, built on demand only (ninja NAME_bench): bench/MODULE_NAME_bench.cpp or
# bench/MODULE_bench.cpp becomes the program of its name, linked with MODULE.
file(GLOB bench_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/bench/*_bench.cpp)
foreach(source IN LISTS bench_sources)
  get_filename_component(target ${source} NAME_WE)
  string(REGEX REPLACE "_.*" "" module ${target})
  add_executable(${target} EXCLUDE_FROM_ALL ${source})
  target_link_libraries(${target} PRIVATE sluice_${module})
endforeach()
