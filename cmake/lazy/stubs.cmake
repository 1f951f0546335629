cmake_minimum_required(VERSION 3.25)
# cmake -DNM=… -DOBJDUMP=… -DLIBRARIES=a.so;b.so -DARCHIVES=x.a;y.a -DOUT=FILE -P stubs.cmake
# Writes x86-64 stubs for the functions that the archives leave undefined and the libraries define: each jumps through a
# slot of its library's page, which first holds the way to sluice_lazy_open (cmake/lazy/open.cpp).
execute_process(COMMAND ${NM} -u ${ARCHIVES} OUTPUT_VARIABLE undefined COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^ \n]+\n" undefined "${undefined}")
string(REPLACE "\n" "" undefined "${undefined}")
list(SORT undefined)
list(REMOVE_DUPLICATES undefined)

set(text "# written by cmake/lazy/stubs.cmake\n")
set(table "")
set(names "")
set(library_number 0)
set(function_number 0)
foreach(library IN LISTS LIBRARIES)
  execute_process(COMMAND ${OBJDUMP} -p ${library} OUTPUT_VARIABLE headers COMMAND_ERROR_IS_FATAL ANY)
  if(NOT headers MATCHES "SONAME +([^ \n]+)")
    message(FATAL_ERROR "${library} has no SONAME")
  endif()
  set(soname ${CMAKE_MATCH_1})
  execute_process(COMMAND ${NM} -D --defined-only ${library} OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[A-Za-z] [^ @\n]+" symbols "${symbols}")
  set(functions "")
  foreach(symbol IN LISTS symbols)
    string(SUBSTRING ${symbol} 0 1 type)
    string(SUBSTRING ${symbol} 2 -1 name)
    if(NOT name IN_LIST undefined)
      continue()
    elseif(type MATCHES "[BDR]")
      message(FATAL_ERROR "${name} of ${soname} is data: a stub cannot stand for it")
    elseif(type MATCHES "[TWi]")
      list(APPEND functions ${name})
    endif()
  endforeach()
  list(REMOVE_DUPLICATES functions)
  list(LENGTH functions count)
  if(count EQUAL 0)
    continue()
  endif()
  set(slots ".Lslots${library_number}")
  string(APPEND table "  .quad .Lsoname${library_number}, ${slots}, .Lnames${library_number}, ${count}, 0\n")
  string(APPEND names ".Lsoname${library_number}:\n  .asciz \"${soname}\"\n")
  set(pointers ".Lnames${library_number}:\n")
  set(places "  .balign 4096\n${slots}:\n")
  set(number 0)
  foreach(name IN LISTS functions)
    math(EXPR offset "${number} * 8")
    string(APPEND text "\n  .globl ${name}\n  .hidden ${name}\n  .type ${name}, @function\n${name}:\n  endbr64\n"
      "  jmp *${slots}+${offset}(%rip)\n.Lfirst${function_number}:\n  endbr64\n  movl $${library_number}, %r10d\n"
      "  leaq ${slots}+${offset}(%rip), %r11\n  jmp sluice_lazy_first\n  .size ${name}, .-${name}\n")
    string(APPEND places "  .quad .Lfirst${function_number}\n")
    string(APPEND pointers "  .quad .Lname${function_number}\n")
    string(APPEND names ".Lname${function_number}:\n  .asciz \"${name}\"\n")
    math(EXPR number "${number} + 1")
    math(EXPR function_number "${function_number} + 1")
  endforeach()
  string(APPEND all_places "${places}")
  string(APPEND all_pointers "${pointers}")
  math(EXPR library_number "${library_number} + 1")
endforeach()

# The first call into a library: every register that may hold an argument is kept over sluice_lazy_open. What the vector
# registers held may be part of a secret that was just copied: its place on the stack is cleared.
string(PREPEND text "  .text
  .globl sluice_lazy_first
  .hidden sluice_lazy_first
  .type sluice_lazy_first, @function
sluice_lazy_first:
  .cfi_startproc
  pushq %rax
  pushq %rdi
  pushq %rsi
  pushq %rdx
  pushq %rcx
  pushq %r8
  pushq %r9
  pushq %r11
  .cfi_adjust_cfa_offset 64
  subq $136, %rsp
  .cfi_adjust_cfa_offset 136
  movups %xmm0, (%rsp)
  movups %xmm1, 16(%rsp)
  movups %xmm2, 32(%rsp)
  movups %xmm3, 48(%rsp)
  movups %xmm4, 64(%rsp)
  movups %xmm5, 80(%rsp)
  movups %xmm6, 96(%rsp)
  movups %xmm7, 112(%rsp)
  movl %r10d, %edi
  call sluice_lazy_open
  movups (%rsp), %xmm0
  movups 16(%rsp), %xmm1
  movups 32(%rsp), %xmm2
  movups 48(%rsp), %xmm3
  movups 64(%rsp), %xmm4
  movups 80(%rsp), %xmm5
  movups 96(%rsp), %xmm6
  movups 112(%rsp), %xmm7
  xorps %xmm8, %xmm8
  movups %xmm8, (%rsp)
  movups %xmm8, 16(%rsp)
  movups %xmm8, 32(%rsp)
  movups %xmm8, 48(%rsp)
  movups %xmm8, 64(%rsp)
  movups %xmm8, 80(%rsp)
  movups %xmm8, 96(%rsp)
  movups %xmm8, 112(%rsp)
  addq $136, %rsp
  .cfi_adjust_cfa_offset -136
  popq %r11
  popq %r9
  popq %r8
  popq %rcx
  popq %rdx
  popq %rsi
  popq %rdi
  popq %rax
  .cfi_adjust_cfa_offset -64
  jmp *(%r11)
  .cfi_endproc
  .size sluice_lazy_first, .-sluice_lazy_first
")
file(WRITE ${OUT} "${text}
  .section .data.rel.lazy,\"aw\"
${all_places}  .balign 4096
  .globl sluice_lazy_libraries
  .hidden sluice_lazy_libraries
sluice_lazy_libraries:
${table}  .section .data.rel.ro.lazy,\"aw\"
${all_pointers}  .section .rodata.lazy,\"a\"
${names}  .section .note.GNU-stack,\"\",@progbits
")
