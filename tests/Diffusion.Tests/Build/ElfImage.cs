using System.Buffers.Binary;
using System.Text;

namespace Diffusion.Tests.Build;

/// <summary>The smallest ELF64 shared library with symbol version needs: two symbols, each of its own version, and one relocation.</summary>
internal static class ElfImage
{
    private const string Library = "libstdc++.so.6", First = "GLIBCXX_3.4.30";

    /// <summary>Makes one.</summary>
    /// <param name="second">The version of symbol 2; symbol 1 has GLIBCXX_3.4.30.</param>
    /// <param name="relocatedSymbol">The symbol that the relocation refers to: 1 or 2.</param>
    /// <param name="flags">Where the flags of the need for the second version are.</param>
    public static byte[] Make(string second, int relocatedSymbol, out int flags)
    {
        byte[] names = Encoding.ASCII.GetBytes($"\0{Library}\0{First}\0{second}\0");
        int firstName = 1 + Library.Length + 1;
        byte[] needs = Bytes((2, 1), (2, 2), (4, 1), (4, 16), (4, 0),             // Verneed: version, count, file, first aux, next
            (4, 0), (2, 0), (2, 2), (4, firstName), (4, 16),                      // Vernaux: hash, flags, index, name, next
            (4, 0), (2, 0), (2, 3), (4, firstName + First.Length + 1), (4, 0));
        byte[] relocations = Bytes((8, 0x1000), (4, 7), (4, relocatedSymbol), (8, 0));
        (int Type, int Link, int Info, byte[] Content)[] sections =
        [
            (0, 0, 0, []),
            (3, 0, 0, names),
            (11, 1, 1, new byte[3 * 24]),
            (0x6fffffff, 2, 0, Bytes((2, 0), (2, 2), (2, 3))),
            (0x6ffffffe, 1, 1, needs),
            (4, 2, 0, relocations),
        ];

        List<byte> image = [.. new byte[64]];
        List<byte> table = [];
        flags = 0;
        foreach ((int type, int link, int info, byte[] content) in sections)
        {
            table.AddRange(Bytes((4, 0), (4, type), (8, 0), (8, 0), (8, image.Count), (8, content.Length), (4, link), (4, info), (8, 8), (8, 0)));
            flags = content == needs ? image.Count + 16 + 16 + 4 : flags;
            image.AddRange(content);
        }

        byte[] header = Bytes((4, 0x464c457f), (1, 2), (1, 1), (1, 1), (8, 0), (1, 0), (2, 3), (2, 62), (4, 1), (8, 0), (8, 0), (8, image.Count),
            (4, 0), (2, 64), (2, 0), (2, 0), (2, 64), (2, sections.Length), (2, 0));
        image.AddRange(table);
        return [.. header, .. image.Skip(header.Length)];
    }

    private static byte[] Bytes(params (int Size, long Value)[] fields)
    {
        List<byte> bytes = [];
        Span<byte> eight = stackalloc byte[8];
        foreach ((int size, long value) in fields)
        {
            BinaryPrimitives.WriteInt64LittleEndian(eight, value);
            bytes.AddRange(eight[..size]);
        }

        return [.. bytes];
    }
}
