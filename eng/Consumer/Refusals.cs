// The program of an application that has no libtorch: each way into the library must refuse by itself to go on, and must not spoil the next.
using Diffusion;
using Diffusion.Data;
using Diffusion.Imaging;
using TorchSharp;
using static TorchSharp.torch;

Func<object>[] waysIn =
[
    () => new Halver(),
    () => NoiseSource.FromSeed(1),
    () => NoiseSource.PerSample(1, 2),
    () => Conditioning.ForClasses([1]),
    () => new ShapesDataSet(size: 16).Get(0),
    () => Chart().Render(),
];
foreach (Func<object> wayIn in waysIn)
{
    try
    {
        wayIn();
    }
    catch (InvalidOperationException e)
    {
        Console.WriteLine($"refused: {e.Message}");
    }
}

static LineChart Chart()
{
    LineChart chart = new();
    chart.Add("", [0, 1], [0, 1]);
    return chart;
}

internal sealed class Halver() : DenoisingNetwork("halver")
{
    public override Tensor forward(Tensor x, Tensor label, Conditioning? condition) => x / 2;
}
