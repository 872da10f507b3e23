# What U-Boot does (docs/use/lab-box.md): it boots the first slot of BOOT_ORDER that has trials left, and takes one away before. The system gives them back once it serves.
# The variables are RAUC's, in the form of libubootenv: two copies of a sector each, every one with a checksum and a number; the older one is overwritten.
part start ${devtype} ${devnum} 2 env_1
setexpr env_2 ${env_1} + 400
setenv copy_1 ${ramdisk_addr_r}
setexpr copy_2 ${copy_1} + 1000
setexpr work ${copy_1} + 2000
setexpr work_crc ${work} + 1
setexpr work_flag ${work} + 4
setexpr work_data ${work} + 5
virtio read ${copy_1} ${env_1} 1
virtio read ${copy_2} ${env_2} 1
setexpr flag_1 ${copy_1} + 4
setexpr flag_2 ${copy_2} + 4
setexpr.b flag_1 *${flag_1}
setexpr.b flag_2 *${flag_2}
# The newer one last: what has a wrong checksum is not taken, and the other one stands.
setenv by_age "2 1"
if itest 0x${flag_2} -gt 0x${flag_1}; then setenv by_age "1 2"; fi
if itest 0x${flag_1} == 0xff && itest 0x${flag_2} == 0; then setenv by_age "1 2"; fi
if itest 0x${flag_2} == 0xff && itest 0x${flag_1} == 0; then setenv by_age "2 1"; fi
setenv newest
for number in "${by_age}"; do
    if test "x${number}" = "x1"; then setenv from ${copy_1}; setenv flag ${flag_1}; else setenv from ${copy_2}; setenv flag ${flag_2}; fi
    setexpr from_data ${from} + 5
    cp.b ${from} ${work_crc} 4
    cp.b ${from_data} ${work_data} 1fb
    if env import -c ${work_crc} 1ff BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT; then setenv newest ${number}; setenv newest_flag ${flag}; fi
done
if test -z "${newest}"; then
    echo "slots: no variables; both slots are tried"
    setenv newest 2
    setenv newest_flag 0
    setenv BOOT_ORDER "A B"
    setenv BOOT_A_LEFT 3
    setenv BOOT_B_LEFT 3
fi
setenv keep 'setexpr newest_flag ${newest_flag} + 1; env export -c -s 1ff ${work_crc} BOOT_ORDER BOOT_A_LEFT BOOT_B_LEFT; cp.b ${work_crc} ${work} 4; mw.b ${work_flag} ${newest_flag}; if test "x${newest}" = "x1"; then setenv newest 2; virtio write ${work} ${env_2} 1; else setenv newest 1; virtio write ${work} ${env_1} 1; fi'
for slot in "${BOOT_ORDER}"; do
    setenv left 0
    if test "x${slot}" = "xA"; then setenv left ${BOOT_A_LEFT}; setenv slot_part 3; fi
    if test "x${slot}" = "xB"; then setenv left ${BOOT_B_LEFT}; setenv slot_part 4; fi
    if itest 0x${left} -gt 0; then
        setexpr left ${left} - 1
        setenv BOOT_${slot}_LEFT ${left}
        run keep
        echo "slots: booting ${slot}, ${left} trials left"
        setenv bootargs "console=ttyAMA0 quiet panic=-1 rauc.slot=${slot}"
        if load ${devtype} ${devnum}:${slot_part} ${kernel_addr_r} vmlinuz; then
            if load ${devtype} ${devnum}:${slot_part} ${ramdisk_addr_r} initrd.img; then booti ${kernel_addr_r} ${ramdisk_addr_r}:${filesize} ${fdtcontroladdr}; fi
        fi
        echo "slots: ${slot} does not boot"
    fi
done
# Nothing is left to try: from the start, rather than never again.
setenv BOOT_A_LEFT 3
setenv BOOT_B_LEFT 3
run keep
reset
