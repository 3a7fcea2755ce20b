#!/usr/bin/env bash
# Uses the packages as a stranger would: packs both libraries, makes a new console application outside the repository, adds the
# packages from a local folder, and runs it every way: without a libtorch backend, which must be refused with advice, by dotnet run,
# published portable, published self-contained, and with a libtorch from elsewhere. Prints one line a check; exits 1 if one failed.
#
#   eng/consume.sh            everything is made in a temporary folder and removed afterwards
set -uo pipefail

repository=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/diffusion-consume.XXXXXX")
trap 'rm -rf "$work"' EXIT

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en MSBUILDDISABLENODEREUSE=1
version="0.1.0-consume.$(date +%s)"
torchsharp=$(sed -n 's/.*PackageVersion Include="TorchSharp-cpu" Version="\([^"]*\)".*/\1/p' "$repository/Directory.Packages.props")

failures=0
check() { # check NAME EXPECTED-TEXT EXPECTED-STATUS COMMAND…: the command's output has the text and its exit status is the one expected
    local name=$1 text=$2 status=$3 output actual
    shift 3
    output=$("$@" 2>&1)
    actual=$?
    if [ "$actual" -eq "$status" ] && grep -qF -- "$text" <<<"$output"; then
        echo "passed: $name"
    else
        echo "failed: $name (exit status $actual, expected $status with \"$text\")"
        sed 's/^/    /' <<<"$output"
        failures=$((failures + 1))
    fi
}

for project in Diffusion Diffusion.Imaging; do
    check "pack $project" "$project.$version.nupkg" 0 \
        dotnet pack "$repository/src/$project" -c Release -o "$work/feed" -p:PackageVersion="$version"
done
[ "$failures" -eq 0 ] || exit 1

# Our packages are unpacked into a folder of their own; everything else is taken from the usual cache where it is there already.
cache=$(dotnet nuget locals global-packages --list | sed 's/^global-packages: *//')
export NUGET_PACKAGES="$work/packages"
mkdir -p "$cache"
cat >"$work/nuget.config" <<XML
<configuration>
  <packageSources><add key="local" value="$work/feed" /></packageSources>
  <fallbackPackageFolders><add key="cache" value="${cache%/}" /></fallbackPackageFolders>
</configuration>
XML
# Half a gigabyte of libtorch for each platform, four times over: link it where the file system can.
export CreateHardLinksForCopyLocalIfPossible=true CreateHardLinksForPublishFilesIfPossible=true

new_application() { # new_application NAME PACKAGE…: a console application with the consumer program and the packages
    local folder="$work/$1" package
    shift
    dotnet new console -o "$folder" >/dev/null || return 1
    cp "$repository/eng/Consumer/Program.cs" "$folder/Program.cs"
    for package in "$@"; do
        (cd "$folder" && dotnet add package "${package%@*}" --version "${package#*@}") || return 1
    done
}

count_refusals() {
    local output advice="dotnet add package TorchSharp-cpu --version $torchsharp"
    output=$(dotnet run -c Release --project "$work/Bare" -- refused) || return 1
    echo "$output"
    echo "$(grep -cF "refused: No libtorch was found" <<<"$output") times: $(grep -oF "$advice" <<<"$output" | sort -u)"
}

check "new application without a backend" "Diffusion.Imaging" 0 new_application Bare "Diffusion.Imaging@$version"
check "refused without a backend" "6 times: dotnet add package TorchSharp-cpu --version $torchsharp" 0 count_refusals

check "new application" "Diffusion.Imaging" 0 new_application App "Diffusion.Imaging@$version" "TorchSharp-cpu@$torchsharp"
check "dotnet run" "consumed: " 0 dotnet run -c Release --project "$work/App"
check "publish, portable" "portable" 0 dotnet publish "$work/App" -c Release -o "$work/portable"
check "run, portable" "consumed: " 0 dotnet "$work/portable/App.dll"
rm -rf "$work/portable" "$work/App/bin"
if [ "$(uname -sm)" = "Linux x86_64" ]; then
    check "publish, self-contained" "self" 0 dotnet publish "$work/App" -c Release -r linux-x64 --self-contained -o "$work/self"
    check "run, self-contained" "consumed: " 0 env DOTNET_ROOT=/nonexistent "$work/self/App"
    check "libtorch from elsewhere" "consumed: " 0 env LD_LIBRARY_PATH="$work/self" dotnet "$work/Bare/bin/Release/net10.0/Bare.dll"
fi

[ "$failures" -eq 0 ]
