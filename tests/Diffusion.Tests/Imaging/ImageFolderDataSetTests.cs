using Diffusion.Data;
using Diffusion.Imaging;
using Xunit;

namespace Diffusion.Tests.Imaging;

public sealed class ImageFolderDataSetTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly DisposeScope _scope = NewDisposeScope();

    public void Dispose()
    {
        _scope.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void EachSubfolderIsAClass()
    {
        Picture("dogs/b.png", 0.5f);
        Picture("dogs/a.webp", 0.25f);
        Picture("cats/x.PNG", -0.5f);
        Picture("cats/kittens/y.jpeg", -0.25f);
        _folder.Write("cats/notes.txt", [1]);
        _folder.Write("readme.md", [1]);
        _folder.Write(".git/config", [1]);
        _folder.Write("dogs/.hidden.png", [1]);
        using var set = ImageFolderDataSet.Open(_folder.Path, size: 8);
        Assert.Equal(["cats", "dogs"], set.ClassNames);
        Assert.Equal([3, 8, 8], set.SampleShape);
        Assert.Equal(["cats/kittens/y.jpeg", "cats/x.PNG", "dogs/a.webp", "dogs/b.png"],
            Enumerable.Range(0, 4).Select(k => Path.GetRelativePath(_folder.Path, set.PathOf(k))));
        var batch = set.Get(3, 0, 1, 2);
        Assert.Equal([1L, 0, 0, 1], batch.Labels!.data<long>().ToArray());
        float[] expected = [0.5f, -0.25f, -0.5f, 0.25f];
        for (var k = 0; k < 4; k++) Assert.Equal(expected[k], batch.Data[k].mean().item<float>(), 0.02);
        Assert.Throws<ArgumentOutOfRangeException>(() => set.PathOf(4));
    }

    [Fact]
    public void AFolderOfImagesHasNoClasses()
    {
        Picture("a.png", 0);
        Picture("b.png", 0);
        using var set = ImageFolderDataSet.Open(_folder.Path, size: 4, channels: 1);
        Assert.Null(set.ClassNames);
        Assert.Null(set.Get(0, 1).Labels);
        Assert.Equal([1, 4, 4], set.SampleShape);
    }

    [Fact]
    public void FoldersThatAreNoDataSetAreRefused()
    {
        Assert.Throws<DirectoryNotFoundException>(() => ImageFolderDataSet.Open(_folder.File("missing"), 8));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageFolderDataSet.Open(_folder.Path, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageFolderDataSet.Open(_folder.Path, 8, channels: 4));
        Fault("holds no image");
        Directory.CreateDirectory(_folder.File("cats"));
        Fault("holds no image");
        Picture("dogs/a.png", 0);
        Fault("cats");
        Picture("cats/b.png", 0);
        Picture("loose.png", 0);
        Fault("loose.png");

        void Fault(string fault)
        {
            var error = Assert.Throws<InvalidDataException>(() => ImageFolderDataSet.Open(_folder.Path, 8));
            Assert.Contains(_folder.Path, error.Message, StringComparison.Ordinal);
            Assert.Contains(fault, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ADamagedImageIsNamedWhenItIsReadAlsoByTheLoader()
    {
        Picture("a.png", 0);
        var bad = _folder.Write("b.png", File.ReadAllBytes(_folder.File("a.png"))[..60]);
        using var set = ImageFolderDataSet.Open(_folder.Path, size: 4);
        Assert.Equal(0, set.Get(0).Data.sum().item<float>(), 0.5);
        Assert.Contains(bad, Assert.Throws<InvalidDataException>(() => set.Get(1)).Message, StringComparison.Ordinal);
        using var loader = new DataLoader(set, 1, new() { Shuffle = false });
        loader.Next();
        Assert.Contains(bad, Assert.Throws<InvalidDataException>(() => loader.Next()).Message, StringComparison.Ordinal);
        ImageFile.Write(ones(3, 5, 5), bad);
        Assert.Equal(1, loader.Next().Data.mean().item<float>());
    }

    [Fact]
    public void TheCentreIsKept()
    {
        var image = full(1, 40, 100, -1f);
        image[.., .., 30..70] = 1;
        Assert.Equal(1, ImageResize.CenterSquare(image, 10).min().item<float>(), 1e-5);
        Assert.Equal(1, ImageResize.CenterSquare(image.transpose(1, 2), 40).min().item<float>(), 1e-5);
    }

    [Fact]
    public void MadeSmallerNoiseIsAveraged()
    {
        // White noise of variance 1/12·4, made four times smaller: sixteen pixels count in each, weighted by a cubic window.
        // The variance of the weighted mean is the squared norm of the window, (Σw²)², which for the cubic one is
        // 0.275² = 0.076 at this scale; picking single pixels would keep 1.
        using var generator = new Generator(3);
        var noise = rand([1, 512, 512], generator: generator) - 0.5f;
        var ratio = (ImageResize.CenterSquare(noise, 128).var() / noise.var()).item<float>();
        Assert.InRange(ratio, CubicWindowNorm(4) * 0.9, CubicWindowNorm(4) * 1.1);
    }

    [Fact]
    public void ResizingKeepsPlainColoursTheRangeAndTheArgument()
    {
        Assert.True((ImageResize.CenterSquare(full(3, 30, 20, 0.3f), 7) - 0.3f).abs().max().item<float>() < 1e-5);
        var edge = cat([full(1, 16, 8, -1f), full(1, 16, 8, 1f)], 2);
        var larger = ImageResize.CenterSquare(edge, 40);
        Assert.InRange(larger.min().item<float>(), -1, 1);
        Assert.InRange(larger.max().item<float>(), -1, 1);
        var same = ImageResize.CenterSquare(edge, 16);
        same.fill_(0);
        Assert.Equal(1, edge.abs().min().item<float>());
        Assert.Throws<ArgumentException>(() => ImageResize.CenterSquare(zeros(4, 4), 2));
        Assert.Throws<ArgumentException>(() => ImageResize.CenterSquare(zeros(1, 4, 4, uint8), 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => ImageResize.CenterSquare(zeros(1, 4, 4), 0));
        Assert.Throws<ArgumentNullException>(() => ImageResize.CenterSquare(null!, 2));
    }

    [Fact]
    public void NoTensorIsLeftBehind()
    {
        Picture("a.png", 0);
        using var set = ImageFolderDataSet.Open(_folder.Path, size: 4);
        var before = LiveTensors.Count();
        for (var k = 0; k < 5; k++) set.Get(0, 0).Dispose();
        Assert.Equal(before, LiveTensors.Count());
    }

    /// <summary>Squared norm of Keys' cubic kernel (a = −1/2) stretched by a factor and normalised, in two dimensions.</summary>
    private static double CubicWindowNorm(int factor)
    {
        var weights = Enumerable.Range(-2 * factor, 4 * factor).Select(k =>
        {
            var x = Math.Abs((k + 0.5) / factor);
            return x < 1 ? 1.5 * x * x * x - 2.5 * x * x + 1 : -0.5 * x * x * x + 2.5 * x * x - 4 * x + 2;
        }).ToArray();
        var norm = weights.Sum(w => w * w) / Math.Pow(weights.Sum(), 2);
        return norm * norm;
    }

    private void Picture(string name, float value)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder.File(name))!);
        ImageFile.Write(full(3, 12, 10, value), _folder.File(name), quality: 100);
    }
}
