// Compiled by MSBuild's inline task factory in the build of whoever uses the library, against .NET Standard 2.0.
using System;
using System.Collections.Generic;
using System.IO;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Writes a copy of a 64-bit ELF shared library in which one symbol version need is weak: the dynamic linker then loads the library also
/// where that version does not exist. Nothing is written if the library does not have the need, or if a relocation uses a symbol of
/// that version (the library would load and then fail at that symbol). The source file is only read.
/// </summary>
public sealed class DiffusionRelaxVersionNeed : Task
{
    /// <summary>The library to read.</summary>
    [Required]
    public string Source { get; set; }

    /// <summary>Where the copy goes.</summary>
    [Required]
    public string Destination { get; set; }

    /// <summary>A file written in any case, last; newer than the source, it says that the source has been looked at.</summary>
    [Required]
    public string Stamp { get; set; }

    /// <summary>The name of the version to make weak, for example GLIBCXX_3.4.32.</summary>
    [Required]
    public string Version { get; set; }

    /// <inheritdoc />
    public override bool Execute()
    {
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Destination));
            File.Delete(Destination); // build outputs may be hard links to it: a new file, never the old one rewritten
            byte[] image = File.ReadAllBytes(Source);
            string outcome = Relax(image);
            if (outcome == "relaxed")
            {
                // Renamed when complete, so that an interrupted build leaves no half of a library.
                string partial = Destination + "." + Guid.NewGuid().ToString("N");
                File.WriteAllBytes(partial, image);
                File.Move(partial, Destination);
                Log.LogMessage(MessageImportance.Normal, "{0}: version need {1} made weak in {2}", Source, Version, Destination);
            }

            File.WriteAllText(Stamp, outcome + Environment.NewLine);
        }
        catch (Exception e) when (e is IOException || e is UnauthorizedAccessException)
        {
            Log.LogError(null, "DIFFUSION0002", null, Source, 0, 0, 0, 0,
                "Could not make a copy that loads on older Linux systems: {0} (DiffusionRelaxTorchSharp=false skips this step.)", e.Message);
        }

        return !Log.HasLoggedErrors;
    }

    private string Relax(byte[] image)
    {
        try
        {
            Elf elf = new Elf(image);
            int flags = elf.FindVersionNeed(Version, out int index);
            if (flags < 0)
            {
                return "not needed";
            }

            if (elf.IsUsed(index))
            {
                return "used";
            }

            image[flags] |= 0x2; // VER_FLG_WEAK
            return "relaxed";
        }
        catch (InvalidDataException e)
        {
            Log.LogWarning(null, "DIFFUSION0001", null, Source, 0, 0, 0, 0,
                "Left as it is, because it could not be read as a shared library for 64-bit Linux: {0}", e.Message);
            return "unreadable";
        }
    }

    /// <summary>The few parts of an ELF file (System V ABI; LSB, "Symbol Versioning") that are needed here. Every read is checked.</summary>
    private sealed class Elf
    {
        private const uint Empty = 0, Rela = 4, NoBits = 8, Rel = 9, VersionNeeds = 0x6ffffffe, SymbolVersions = 0x6fffffff;
        private readonly byte[] image;
        private readonly List<Section> sections = new List<Section>();

        public Elf(byte[] image)
        {
            this.image = image;
            if (Number(0, 4) != 0x464c457f || Number(4, 1) != 2 || Number(5, 1) != 1)
            {
                throw new InvalidDataException("it does not begin as a little-endian ELF64 file does.");
            }

            ulong table = Number(0x28, 8), size = Number(0x3a, 2), count = Number(0x3c, 2);
            if (table == 0 || size < 64)
            {
                throw new InvalidDataException("it has no section table.");
            }

            for (ulong i = 0; i < count; i++)
            {
                ulong header = table + i * size;
                At(header + size - 1);
                Section section = new Section(
                    (uint)Number(header + 4, 4), Number(header + 24, 8), Number(header + 32, 8), Number(header + 40, 4), Number(header + 44, 4));
                if (section.Type != Empty && section.Type != NoBits && section.Size != 0)
                {
                    At(section.Offset);
                    At(section.Offset + At(section.Size - 1));
                }

                sections.Add(section);
            }
        }

        /// <summary>The offset of the flags of the need for a version and the index that symbols refer to it by; −1 if there is none.</summary>
        public int FindVersionNeed(string version, out int index)
        {
            foreach (Section needs in All(VersionNeeds))
            {
                ulong file = needs.Offset;
                ulong nextFile = 1;
                for (ulong i = 0; i < needs.Info && nextFile != 0; i++)
                {
                    ulong need = file + Number(file + 8, 4), nextNeed = 1;
                    for (ulong j = Number(file + 2, 2); j > 0 && nextNeed != 0; j--)
                    {
                        if (Text(needs.Link, Number(need + 8, 4)) == version)
                        {
                            index = (int)(Number(need + 6, 2) & 0x7fff);
                            return (int)(need + 4);
                        }

                        need += nextNeed = Number(need + 12, 4);
                    }

                    file += nextFile = Number(file + 12, 4);
                }
            }

            index = 0;
            return -1;
        }

        /// <summary>Whether a relocation refers to a symbol of the version with the given index.</summary>
        public bool IsUsed(int index)
        {
            foreach (Section versions in All(SymbolVersions))
            {
                foreach (uint kind in new[] { Rela, Rel })
                {
                    ulong entry = kind == Rela ? 24UL : 16UL;
                    foreach (Section relocations in All(kind))
                    {
                        if (relocations.Link != versions.Link)
                        {
                            continue;
                        }

                        for (ulong at = 0; at + entry <= relocations.Size; at += entry)
                        {
                            ulong symbol = Number(relocations.Offset + at + 12, 4);
                            if (symbol != 0 && (Number(versions.Offset + 2 * symbol, 2) & 0x7fff) == (ulong)index)
                            {
                                return true;
                            }
                        }
                    }
                }

                return false;
            }

            throw new InvalidDataException("it names symbol versions but does not say which symbols they belong to.");
        }

        private IEnumerable<Section> All(uint type)
        {
            return sections.FindAll(section => section.Type == type);
        }

        private ulong At(ulong offset)
        {
            if (offset >= (ulong)image.Length)
            {
                throw new InvalidDataException("it ends before byte " + offset + ", to which its headers point.");
            }

            return offset;
        }

        private ulong Number(ulong offset, int bytes)
        {
            At(offset);
            At(offset + (ulong)bytes - 1);
            ulong value = 0;
            for (int i = bytes - 1; i >= 0; i--)
            {
                value = value << 8 | image[(int)offset + i];
            }

            return value;
        }

        private string Text(ulong section, ulong offset)
        {
            if (section >= (ulong)sections.Count)
            {
                throw new InvalidDataException("it refers to section " + section + " of " + sections.Count + ".");
            }

            ulong start = At(sections[(int)section].Offset), at = At(start + At(offset));
            int end = Array.IndexOf(image, (byte)0, (int)at);
            if (end < 0)
            {
                throw new InvalidDataException("a name in it has no end.");
            }

            return Encoding.ASCII.GetString(image, (int)at, end - (int)at);
        }
    }

    private struct Section
    {
        public Section(uint type, ulong offset, ulong size, ulong link, ulong info)
        {
            Type = type;
            Offset = offset;
            Size = size;
            Link = link;
            Info = info;
        }

        public uint Type { get; }

        public ulong Offset { get; }

        public ulong Size { get; }

        public ulong Link { get; }

        public ulong Info { get; }
    }
}
