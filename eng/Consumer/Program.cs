// What eng/consume.sh builds against the packages: public API only, as an application would write it.
using Diffusion;
using TorchSharp;
using static TorchSharp.torch;

// Each way in must refuse by itself to go on without libtorch, and must not spoil the next.
Func<object>[] waysIn =
[
    () => new Halver(),
    () => NoiseSource.FromSeed(1),
    () => NoiseSource.PerSample(1, 2),
    () => Conditioning.ForClasses([1]),
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

if (args is ["refused"])
{
    return;
}

using Halver network = new();
using NoiseSource noise = NoiseSource.FromSeed(1);
using Tensor x = noise.Next([2, 3, 4, 4], ScalarType.Float32, CPU);
using Tensor label = zeros(2);
using Tensor result = network.forward(x, label, Conditioning.ForClasses([1, 2]));
Console.WriteLine($"consumed: {string.Join("×", result.shape)}");

internal sealed class Halver() : DenoisingNetwork("halver")
{
    public override Tensor forward(Tensor x, Tensor label, Conditioning? condition) => x / 2;
}
