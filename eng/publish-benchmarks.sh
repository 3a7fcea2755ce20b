#!/usr/bin/env bash
# Publishes the benchmarks as a folder that runs on a Linux x64 machine with a PyTorch installation and without .NET, over that PyTorch's libtorch.
#
#   eng/publish-benchmarks.sh FOLDER      about 120 MB; pack it with: tar -C FOLDER -czf benchmarks.tar.gz .
#
# There: FOLDER/run.sh check --device cuda, then FOLDER/run.sh training --device cuda --tf32, and so on; FOLDER/run.sh --help lists the commands.
# LIBTORCH=/path/to/torch/lib names a libtorch where python3 does not find the right one.
set -euo pipefail

repository=$(cd "$(dirname "$0")/.." && pwd)
folder=${1:?"usage: eng/publish-benchmarks.sh FOLDER"}
work=$(mktemp -d "${TMPDIR:-/tmp}/diffusion-publish.XXXXXX")
trap 'rm -rf "$work"' EXIT

# Elsewhere than the usual obj/ and bin/, whose files are of a build with libtorch.
dotnet publish "$repository/benchmarks/Diffusion.Benchmarks" -c Release -r linux-x64 --self-contained \
    -p:TorchBackend=none -p:UseArtifactsOutput=true -p:ArtifactsPath="$work" -o "$folder"

# Libraries of libtorch in the folder would come before those of the machine.
for library in libtorch.so libtorch_cpu.so libtorch_cuda.so libc10.so libc10_cuda.so; do
    if [ -e "$folder/$library" ]; then echo "publish-benchmarks: $library was published; it must not be." >&2 && exit 1; fi
done
[ -e "$folder/libLibTorchSharp.so" ] || { echo "publish-benchmarks: libLibTorchSharp.so is missing." >&2 && exit 1; }

cat >"$folder/run.sh" <<'RUN'
#!/usr/bin/env bash
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
libtorch=${LIBTORCH:-$(python3 -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))')}
[ -e "$libtorch/libtorch_cpu.so" ] || { echo "run.sh: no libtorch_cpu.so in '$libtorch'; name its folder in LIBTORCH." >&2 && exit 1; }
export LD_LIBRARY_PATH="$libtorch${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
exec "$here/Diffusion.Benchmarks" "$@"
RUN
chmod +x "$folder/run.sh" "$folder/Diffusion.Benchmarks"
du -sh "$folder"
